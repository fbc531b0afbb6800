package chargebatch

import (
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// recentSlots is how many texts are found by their address alone. Connectors, kinds and versions are few, and
	// their strings are interned: nearly all look-ups end here.
	recentSlots = 2048
	// rememberedMax bounds the texts kept from batch to batch, so that a partition with ever new streams does not
	// grow for ever. At the bound all are forgotten, which costs one allocation for each text still in use.
	rememberedMax = 1 << 16
)

// dictionary numbers the texts of one batch in the order in which they are first used. It remembers texts beyond the
// batch, so that a text that comes back costs no allocation; generation says whether a number is of this batch.
type dictionary struct {
	generation uint64
	count      uint32
	encoded    []byte // the strings fields of this batch
	known      map[string]*dictionaryEntry
	recent     [recentSlots]dictionaryEntry
}

type dictionaryEntry struct {
	text       string
	generation uint64
	index      uint32
}

func (d *dictionary) reset() {
	d.generation++
	d.count = 0
	d.encoded = d.encoded[:0]
	if d.known == nil || len(d.known) > rememberedMax {
		d.known = make(map[string]*dictionaryEntry)
	}
}

// index returns the number of an interned text.
func (d *dictionary) index(text string) uint64 {
	address := unsafe.StringData(text)
	slot := &d.recent[uintptr(unsafe.Pointer(address))>>4%recentSlots]
	// The slot holds on to its text, so nothing else can have come to stand at that address.
	if slot.generation == d.generation && len(slot.text) == len(text) && unsafe.StringData(slot.text) == address {
		return uint64(slot.index)
	}
	entry := d.known[text]
	if entry == nil {
		entry = d.remember(text)
	}
	*slot = dictionaryEntry{text, d.generation, d.number(entry)}
	return uint64(slot.index)
}

// indexBytes returns the number of a text that is valid during the call only.
func (d *dictionary) indexBytes(text []byte) uint64 {
	entry := d.known[string(text)]
	if entry == nil {
		entry = d.remember(string(text))
	}
	return uint64(d.number(entry))
}

func (d *dictionary) remember(text string) *dictionaryEntry {
	entry := &dictionaryEntry{text: text}
	d.known[text] = entry
	return entry
}

// number returns the entry's number in this batch, a new one where it has none.
func (d *dictionary) number(entry *dictionaryEntry) uint32 {
	if entry.generation != d.generation {
		entry.generation, entry.index = d.generation, d.count
		d.count++
		d.encoded = protowire.AppendTag(d.encoded, fieldStrings, protowire.BytesType)
		d.encoded = protowire.AppendString(d.encoded, entry.text)
	}
	return entry.index
}
