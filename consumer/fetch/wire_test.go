package fetch

import (
	"bytes"
	"errors"
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/segmentio/kafka-go/protocol"
	library "github.com/segmentio/kafka-go/protocol/fetch"
)

// kafka-go has no promise that protocol.Register replaces a type, that unexported fields stay off the wire, that a
// record set is read by ReadFrom, or that a message which splits itself passes by the metadata cache: package fetch
// relies on how this version does it. Before raising it, read protocol/protocol.go, protocol/decode.go and transport.go
// of the new version for these four, run the tests of this package and fetchtest on a real broker, then change this line.
const libraryVersion = "v0.4.51"

func TestLibraryVersionIsTheOneReliedOn(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\s*(?:require\s+)?github\.com/segmentio/kafka-go\s+(\S+)`).FindSubmatch(mod)
	if found == nil || string(found[1]) != libraryVersion {
		t.Fatalf("go.mod has kafka-go %q, package fetch was checked with %s only: see the comment on libraryVersion", found, libraryVersion)
	}
	if regexp.MustCompile(`(?m)segmentio/kafka-go\s.*=>`).Match(mod) {
		t.Fatal("go.mod replaces kafka-go: see the comment on libraryVersion")
	}
}

func TestMessagesEqualTheLibrarysButForTheRecordSet(t *testing.T) {
	sameFields(t, reflect.TypeFor[wireRequest](), reflect.TypeFor[library.Request]())
	sameFields(t, reflect.TypeFor[wireResponse](), reflect.TypeFor[library.Response]())
}

func sameFields(t *testing.T, ours, theirs reflect.Type) {
	t.Helper()
	if theirs == reflect.TypeFor[protocol.RecordSet]() {
		if ours != reflect.TypeFor[wireRecordSet]() {
			t.Errorf("the record set is read by %v", ours)
		}
		return
	}
	if ours.Kind() != theirs.Kind() {
		t.Errorf("%v has kind %v, the library's %v", ours, ours.Kind(), theirs.Kind())
		return
	}
	switch ours.Kind() {
	case reflect.Slice:
		sameFields(t, ours.Elem(), theirs.Elem())
	case reflect.Struct:
		fields := reflect.VisibleFields(ours)
		fields = fields[:theirs.NumField()] // what follows is unexported
		for i, f := range fields {
			if w := theirs.Field(i); f.Name != w.Name || f.Tag != w.Tag {
				t.Errorf("field %d of %v is %s %q, the library's %s %q", i, ours, f.Name, f.Tag, w.Name, w.Tag)
			}
			sameFields(t, f.Type, theirs.Field(i).Type)
		}
		for i := theirs.NumField(); i < ours.NumField(); i++ {
			if ours.Field(i).IsExported() {
				t.Errorf("%v has field %s more than the library", ours, ours.Field(i).Name)
			}
		}
	}
}

func TestRecordSetReadsExactlyItsBytes(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want string
		none bool
		err  error
	}{
		"some bytes":     {in: "\x00\x00\x00\x03abcdef", want: "abc"},
		"empty":          {in: "\x00\x00\x00\x00def", none: true},
		"absent":         {in: "\xff\xff\xff\xffdef", none: true},
		"cut in size":    {in: "\x00\x00", err: io.ErrUnexpectedEOF},
		"nothing":        {in: "", err: io.ErrUnexpectedEOF},
		"cut in bytes":   {in: "\x00\x00\x00\x04abc", err: io.ErrUnexpectedEOF},
		"two gigabytes":  {in: "\x7f\xff\xff\xffabc", err: io.ErrUnexpectedEOF},
		"all bytes gone": {in: "\x00\x00\x00\x04", err: io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			var s wireRecordSet
			n, err := s.ReadFrom(iotest.OneByteReader(strings.NewReader(c.in)))
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err != nil {
				if n != int64(len(c.in)) {
					t.Fatalf("%d bytes read, want all %d", n, len(c.in))
				}
				return
			}
			if (s.buf == nil) != c.none || (!c.none && string(s.buf.b) != c.want) || n != 4+int64(len(c.want)) {
				t.Fatalf("%d bytes read into %v", n, s.buf)
			}
		})
	}
}

func TestBufferBelievesASizeOnlyAsBytesCome(t *testing.T) {
	b := new(buffer)
	if _, err := b.fill(strings.NewReader("abc"), 1<<31-1); err == nil || cap(b.b) > stepBytes {
		t.Fatalf("error %v with %d bytes taken for 3 that came", err, cap(b.b))
	}
	want := bytes.Repeat([]byte("0123456789abcdef"), 3<<20) // three steps
	n, err := b.fill(bytes.NewReader(want), len(want))
	if err != nil || n != len(want) || !bytes.Equal(b.b, want) {
		t.Fatalf("%d of %d bytes, error %v", n, len(want), err)
	}
}
