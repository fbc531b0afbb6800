package browser

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"drawdown/internal/servers"
)

func archiveOf(t *testing.T, name, content string) ([]byte, string) {
	t.Helper()
	var archive bytes.Buffer
	zipped := gzip.NewWriter(&archive)
	members := tar.NewWriter(zipped)
	err := errors.Join(members.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}))
	if _, writeErr := members.Write([]byte(content)); writeErr != nil {
		err = errors.Join(err, writeErr)
	}
	if err := errors.Join(err, members.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(archive.Bytes())
	return archive.Bytes(), base64.StdEncoding.EncodeToString(sum[:])
}

func TestOnlyTheVerifiedScriptIsKept(t *testing.T) {
	archive, sum := archiveOf(t, "package/axe.min.js", "the script")
	if script, err := scriptOf(archive, sum); err != nil || string(script) != "the script" {
		t.Errorf("found %q, %v", script, err)
	}
	if _, err := scriptOf(archive, axeSHA512); err == nil || !strings.Contains(err.Error(), "SHA-512") {
		t.Errorf("another archive: %v, expected an error that names its sum", err)
	}
	other, sum := archiveOf(t, "package/readme.md", "no script")
	if _, err := scriptOf(other, sum); err == nil {
		t.Error("an archive without the script was taken")
	}
}

func TestAMissingScriptIsAnErrorThatNamesTheRemedy(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	_, err := Axe()
	var missing *servers.MissingError
	if !errors.As(err, &missing) || !strings.Contains(missing.Error(), "servers install browser") {
		t.Errorf("expected an error that names the install command, found %v", err)
	}
}
