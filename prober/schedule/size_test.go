package schedule

import (
	"testing"
	"unsafe"
)

// TestJobsAreSmall: there is one of each for each of very many targets. Go hands out
// memory in sizes such as 352 and 384 bytes.
func TestJobsAreSmall(t *testing.T) {
	if size := unsafe.Sizeof(job{}); size > 352 {
		t.Errorf("a job takes %d bytes", size)
	}
	if size := unsafe.Sizeof(Status{}); size > 352 {
		t.Errorf("a status takes %d bytes", size)
	}
}
