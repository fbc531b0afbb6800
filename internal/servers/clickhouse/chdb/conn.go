package chdb

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// Conn is one session with the engine. It runs one statement at a time; calls from several goroutines take turns.
type Conn struct {
	mu   sync.Mutex
	lib  *library
	addr uintptr // what chdb_connect returned: the address of the handle
}

// Parameter is one value for a {name:Type} placeholder in a query, escaped as in a TSV field: a newline is \n.
type Parameter struct {
	Name  string
	Value string
}

// Open opens a session with the engine in the library file on the data folder. All sessions of a process must name the
// same library and folder. Arguments are those of the engine's command line, such as --max_threads=2.
func Open(libraryPath, dataDir string, arguments ...string) (*Conn, error) {
	lib, err := load(libraryPath)
	if err != nil {
		return nil, err
	}
	var texts [][]byte
	for _, argument := range append([]string{"clickhouse", "--path=" + dataDir}, arguments...) {
		texts = append(texts, append([]byte(argument), 0))
	}
	argv, unpin := pointers(texts)
	defer unpin()
	restore := saveSignalHandlers()
	addr := lib.connect(int32(len(texts)), &argv[0])
	restore()
	if addr == 0 {
		return nil, fmt.Errorf("open the ClickHouse engine on %s: it refused; its reason is in this process's log", dataDir)
	}
	return &Conn{lib: lib, addr: addr}, nil
}

// Close ends the session. The last session that is closed ends the engine and frees its folder.
func (c *Conn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.addr != 0 {
		c.lib.closeConn(c.addr)
		c.addr = 0
	}
}

var errClosed = errors.New("the session with the ClickHouse engine is closed")

// handle reads the session's handle out of the address that the engine gave.
func (c *Conn) handle() (uintptr, error) {
	if c.addr == 0 {
		return 0, errClosed
	}
	return **(**uintptr)(unsafe.Pointer(&c.addr)), nil
}

// Query runs one statement and returns its output in the format, which a FORMAT clause in the statement overrides.
// An error is the engine's own exception text.
func (c *Conn) Query(query, format string, parameters ...Parameter) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	conn, err := c.handle()
	if err != nil {
		return nil, err
	}
	call := newCall(query, format, parameters)
	defer call.free()
	return c.take(c.lib.query(conn, call.query, call.queryLen, call.format, call.formatLen,
		call.names, call.nameLens, call.values, call.valueLens, call.count))
}

// Insert runs an INSERT statement without its FORMAT clause on rows in the format, as the server does for rows sent
// over a network: the same blocks, deduplication and views. An error is the engine's own exception text.
func (c *Conn) Insert(query, format string, rows []byte, parameters ...Parameter) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	conn, err := c.handle()
	if err != nil {
		return err
	}
	call := newCall(query, format, parameters)
	defer call.free()
	stream := c.lib.insert(conn, call.query, call.queryLen, call.format, call.formatLen,
		call.names, call.nameLens, call.values, call.valueLens, call.count)
	if stream == 0 {
		return errors.New("begin an insert: the ClickHouse engine gave neither a stream nor an error")
	}
	defer c.lib.insertDestroy(stream)
	if text := c.lib.insertError(stream); text != "" {
		return errors.New(text)
	}
	if len(rows) > 0 && c.lib.insertAppend(stream, &rows[0], uintptr(len(rows))) != 0 {
		return c.refused(stream)
	}
	_, err = c.take(c.lib.insertDone(stream))
	return err
}

// refused is the reason why the engine took no more rows.
func (c *Conn) refused(stream uintptr) error {
	if text := c.lib.insertError(stream); text != "" {
		return errors.New(text)
	}
	return errors.New("hand rows to the ClickHouse engine: it refused them without a reason")
}

// take copies a result out of the engine's memory and frees it.
func (c *Conn) take(result uintptr) ([]byte, error) {
	if result == 0 {
		return nil, errors.New("run a statement: the ClickHouse engine gave neither a result nor an error")
	}
	defer c.lib.destroyResult(result)
	if text := c.lib.resultError(result); text != "" {
		return nil, errors.New(text)
	}
	length := c.lib.resultLength(result)
	if length == 0 {
		return nil, nil
	}
	output := make([]byte, length)
	copy(output, unsafe.Slice((*byte)(c.lib.resultBuffer(result)), length))
	return output, nil
}

// call holds the arguments of one statement in memory that stays where it is until free.
type call struct {
	query, format       *byte
	queryLen, formatLen uintptr
	names, values       **byte
	nameLens, valueLens *uintptr
	count               uintptr
	pins                []func()
	pinner              runtime.Pinner
}

func newCall(query, format string, parameters []Parameter) *call {
	c := &call{queryLen: uintptr(len(query)), formatLen: uintptr(len(format)), count: uintptr(len(parameters))}
	texts, unpin := pointers([][]byte{append([]byte(query), 0), append([]byte(format), 0)})
	c.pins = append(c.pins, unpin)
	c.query, c.format = texts[0], texts[1]
	if len(parameters) == 0 {
		return c
	}
	var names, values [][]byte
	nameLens, valueLens := make([]uintptr, len(parameters)), make([]uintptr, len(parameters))
	for i, parameter := range parameters {
		names, nameLens[i] = append(names, append([]byte(parameter.Name), 0)), uintptr(len(parameter.Name))
		values, valueLens[i] = append(values, append([]byte(parameter.Value), 0)), uintptr(len(parameter.Value))
	}
	namePointers, unpinNames := pointers(names)
	valuePointers, unpinValues := pointers(values)
	c.pins = append(c.pins, unpinNames, unpinValues)
	c.names, c.values = &namePointers[0], &valuePointers[0]
	c.nameLens, c.valueLens = &nameLens[0], &valueLens[0]
	c.pinner.Pin(c.nameLens)
	c.pinner.Pin(c.valueLens)
	return c
}

func (c *call) free() {
	c.pinner.Unpin()
	for _, unpin := range c.pins {
		unpin()
	}
}

// pointers returns a C array of pointers to the texts, none of which is empty, pinned until unpin.
func pointers(texts [][]byte) (array []*byte, unpin func()) {
	var pinner runtime.Pinner
	array = make([]*byte, len(texts))
	for i, text := range texts {
		array[i] = &text[0]
		pinner.Pin(array[i])
	}
	pinner.Pin(&array[0])
	return array, pinner.Unpin
}
