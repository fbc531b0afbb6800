package chdb

import (
	"syscall"
	"unsafe"
)

// guardedSignals are those that the engine resets to their default while it loads and connects, even when told to leave
// signals alone. The Go runtime needs its handlers for them: with SIGSEGV at its default, a nil pointer would end the
// process instead of panicking.
var guardedSignals = []syscall.Signal{syscall.SIGILL, syscall.SIGABRT, syscall.SIGFPE, syscall.SIGBUS, syscall.SIGSEGV, syscall.SIGURG, syscall.SIGTRAP}

// kernelSigaction is the kernel's own struct sigaction on 64-bit Linux (32 bytes); its members are only carried.
type kernelSigaction [4]uint64

const kernelSigsetBytes = 8

// saveSignalHandlers notes the handlers of the guarded signals and returns what puts them back.
func saveSignalHandlers() (restore func()) {
	saved := make([]kernelSigaction, len(guardedSignals))
	for i, signal := range guardedSignals {
		rtSigaction(signal, nil, &saved[i])
	}
	return func() {
		for i, signal := range guardedSignals {
			rtSigaction(signal, &saved[i], nil)
		}
	}
}

// rtSigaction cannot fail for these signals and well-formed structs, so its result has nothing to say.
func rtSigaction(signal syscall.Signal, set, old *kernelSigaction) {
	_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), kernelSigsetBytes, 0, 0)
}
