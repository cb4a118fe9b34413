package schedule

import "math/bits"

// wheelSize is how many slots the wheel has, a power of two: 41 s. Jobs that are
// due later wait in their slot for another round.
const wheelSize = 8192

// wheel is a hashed timing wheel of jobs. Adding, removing and finding the next
// occupied slot take constant time, however many jobs there are.
type wheel struct {
	ring     [wheelSize][]*job
	occupied [wheelSize / 64]uint64
}

// add puts the job into the slot of j.due.
func (w *wheel) add(j *job) {
	i := int(j.due & (wheelSize - 1))
	j.pos = int32(len(w.ring[i]))
	w.ring[i] = append(w.ring[i], j)
	w.occupied[i/64] |= 1 << (i % 64)
}

// remove takes the job out; j.due must still be what it was when it was added.
func (w *wheel) remove(j *job) {
	i := int(j.due & (wheelSize - 1))
	list := w.ring[i]
	last := len(list) - 1
	list[j.pos] = list[last]
	list[j.pos].pos = j.pos
	list[last] = nil
	w.ring[i] = list[:last]
	if last == 0 {
		w.occupied[i/64] &^= 1 << (i % 64)
		w.ring[i] = nil
	}
}

// due appends all jobs that are due in the slots from first to now. They stay
// in the wheel.
func (w *wheel) due(first, now int64, jobs []*job) []*job {
	last := min(now, first+wheelSize-1) // one round sees every slot
	for s := first; s <= last; s++ {
		if s = w.next(s); s < 0 || s > last {
			break
		}
		for _, j := range w.ring[s&(wheelSize-1)] {
			if j.due <= now {
				jobs = append(jobs, j)
			}
		}
	}
	return jobs
}

// next is the first slot at or after from, within one round, that holds a job
// of this or a later round; -1 if the wheel is empty.
func (w *wheel) next(from int64) int64 {
	start := int(from & (wheelSize - 1))
	word := w.occupied[start/64] >> (start % 64)
	if word != 0 {
		return from + int64(bits.TrailingZeros64(word))
	}
	for n := 1; n <= len(w.occupied); n++ {
		i := (start/64 + n) % len(w.occupied)
		if w.occupied[i] != 0 {
			at := i*64 + bits.TrailingZeros64(w.occupied[i])
			return from + int64((at-start)&(wheelSize-1))
		}
	}
	return -1
}
