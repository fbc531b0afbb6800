package notify

// signal wakes one who waits for a channel with room for one.
func signal(ready chan struct{}) {
	select {
	case ready <- struct{}{}:
	default:
	}
}
