package server

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
)

// weighing takes an answer, keeps nothing of it, and looks now and then at how much memory
// is in use meanwhile.
type weighing struct {
	void
	looks int
	most  uint64
}

func (w *weighing) Write(p []byte) (int, error) {
	if w.writes%40 == 0 {
		w.looks++
		w.most = max(w.most, inUse())
	}
	return w.void.Write(p)
}

// inUse is how much memory is needed still.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestListsNeedLittleMemory, however long they are.
func TestListsNeedLittleMemory(t *testing.T) {
	f := crowd(t, 20_000)
	for path, least := range map[string]int{"/api/v1/targets": 10 << 20, "/api/v1/sd": 5 << 20, "/api/v1/targets?limit=10000": 5 << 20} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.RemoteAddr, r.Host = f.from, f.host
		w := &weighing{void: void{header: http.Header{}}}
		before := inUse()
		f.handler.ServeHTTP(w, r)
		if more := int(w.most) - int(before); more > least/4 {
			t.Errorf("%s: %d bytes of %d are kept at a time", path, more, w.bytes)
		}
		if w.bytes < least || w.looks < 3 {
			t.Errorf("%s: %d bytes, looked at %d times", path, w.bytes, w.looks)
		}
	}
}
