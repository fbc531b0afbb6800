package servers

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are chosen below 32768, where Linux begins to give ports to outgoing connections: a port from above could be
// taken by any client between the moment it is found free and the moment the server binds it.
const (
	portMin   = 20000
	portMax   = 32000
	portTries = 1000
)

// handedOut remembers the ports this process has given away, so that two servers started at once differ. It is never
// reset: a port comes free again only when the process ends.
var handedOut = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// FreePorts returns n different loopback ports that nothing listened on a moment ago.
func FreePorts(n int) ([]int, error) {
	handedOut.Lock()
	defer handedOut.Unlock()
	ports := make([]int, 0, n)
	for range portTries {
		if len(ports) == n {
			break
		}
		port := portMin + rand.IntN(portMax-portMin)
		if handedOut.ports[port] || !bindable(port) {
			continue
		}
		handedOut.ports[port] = true
		ports = append(ports, port)
	}
	if len(ports) < n {
		return nil, fmt.Errorf("find %d free loopback ports between %d and %d: found %d after %d tries", n, portMin, portMax, len(ports), portTries)
	}
	return ports, nil
}

// FreeAddr returns one free loopback address, host and port.
func FreeAddr() (string, error) {
	ports, err := FreePorts(1)
	if err != nil {
		return "", err
	}
	return LoopbackAddr(ports[0]), nil
}

// LoopbackAddr is the address of a port on this machine.
func LoopbackAddr(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

func bindable(port int) bool {
	listener, err := net.Listen("tcp", LoopbackAddr(port))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}
