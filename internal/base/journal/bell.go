package journal

import "sync"

// bells wakes the loops of this process after a commit. A loop of another
// database that is woken too only finds nothing to do; what another process
// commits is found by polling.
var bells struct {
	sync.RWMutex
	loops map[*Loop]struct{}
}

func hang(l *Loop) {
	bells.Lock()
	defer bells.Unlock()
	if bells.loops == nil {
		bells.loops = map[*Loop]struct{}{}
	}
	bells.loops[l] = struct{}{}
}

func unhang(l *Loop) {
	bells.Lock()
	defer bells.Unlock()
	delete(bells.loops, l)
}

func ring(bell func(*Loop) chan struct{}) {
	bells.RLock()
	defer bells.RUnlock()
	for l := range bells.loops {
		nudge(bell(l))
	}
}

// nudge leaves one note that there may be work; a note that lies there already
// says the same.
func nudge(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

func ringClerk() { ring(func(l *Loop) chan struct{} { return l.clerkBell }) }
func ringJobs()  { ring(func(l *Loop) chan struct{} { return l.jobBell }) }
