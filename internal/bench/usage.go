package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// ticksPerSecond is the unit of processor times in /proc; Linux has the same on every architecture.
const ticksPerSecond = 100

// Where a process's times stand in its stat file, after its name.
const userTicks, systemTicks = 11, 12

// processorTime is what the servers and the machine as a whole have used.
type processorTime struct {
	servers []time.Duration
	machine time.Duration // of all processes on all cores
	self    time.Duration
}

// processorTime reads it; a server that is gone has used nothing.
func (c *cluster) processorTime() processorTime {
	var p processorTime
	for _, server := range c.servers {
		fields := procFields(fmt.Sprintf("/proc/%d/stat", server.PID()))
		p.servers = append(p.servers, ticks(fields, userTicks)+ticks(fields, systemTicks))
	}
	fields := procFields("/proc/stat")
	for _, kind := range [...]int{1, 2, 3, 6, 7, 8} { // user, nice, system, irq, softirq, steal
		p.machine += ticks(fields, kind)
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err == nil {
		p.self = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return p
}

// since subtracts.
func (p processorTime) since(before processorTime) processorTime {
	d := processorTime{machine: p.machine - before.machine, self: p.self - before.self}
	for i := range p.servers {
		d.servers = append(d.servers, p.servers[i]-before.servers[i])
	}
	return d
}

// procFields are the fields of the file's first line; those after the name where there is one in parentheses.
func procFields(path string) [][]byte {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if end := bytes.LastIndexByte(line, ')'); end >= 0 {
		line = line[end+1:]
	}
	return bytes.Fields(line)
}

func ticks(fields [][]byte, at int) time.Duration {
	if at >= len(fields) {
		return 0
	}
	count, err := strconv.ParseInt(string(fields[at]), 10, 64)
	if err != nil {
		return 0
	}
	return time.Duration(count) * time.Second / ticksPerSecond
}
