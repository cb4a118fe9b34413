package journal

import (
	"time"

	"go.etcd.io/bbolt"
)

const bucketName = "journal"

// fill is how full pages get: events come in order, and none ever comes between.
const fill = 0.95

// Append adds events, within the transaction of whoever keeps the states that they led
// to. It gives them their numbers. After the commit publish must be called, before the
// next transaction; if there is no commit, it must not be. Without a transaction the events are
// published all the same, and if there is a file, they are written by the next one.
func (j *Journal) Append(tx *bbolt.Tx, events []Event) (publish func(), err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.staged.tx != tx || tx == nil {
		j.staged = staged{tx, j.head}
	}
	list := make([]Event, len(events))
	for i, e := range events {
		list[i] = bounded(e)
		list[i].Seq = j.staged.last + uint64(i) + 1
	}
	kept := 0
	if tx != nil {
		if kept, err = j.write(tx, list); err != nil {
			return nil, err
		}
	}
	j.staged.last += uint64(len(list))
	return func() { j.publish(tx != nil, list, kept) }, nil
}

// write puts events, and before them those that the disk does not have yet. It returns
// by how many there are more. mu is held.
func (j *Journal) write(tx *bbolt.Tx, list []Event) (more int, err error) {
	b, err := tx.CreateBucketIfNotExists([]byte(bucketName))
	if err != nil {
		return 0, err
	}
	b.FillPercent = fill
	key, _ := b.Cursor().Last()
	last := seqOf(key)
	owed := j.after(last)
	if len(owed)+len(list) == 0 {
		return 0, nil
	}
	for _, part := range [][]Event{owed, list} {
		for i := range part {
			e := &part[i]
			if err := j.before("put"); err != nil {
				return 0, err
			}
			if err := b.Put(keyOf(e.Seq), encode(e, last > 0 && last+1 != e.Seq)); err != nil {
				return 0, err
			}
			last = e.Seq
		}
	}
	if err := j.before("number"); err != nil {
		return 0, err
	}
	if err := b.SetSequence(last); err != nil {
		return 0, err
	}
	added := len(owed) + len(list)
	dropped, err := j.prune(b, added)
	return added - dropped, err
}

// prune drops what is too old or too much, at most twice as many as were added and a few.
// The last event always stays.
func (j *Journal) prune(b *bbolt.Bucket, added int) (dropped int, err error) {
	kept, old := j.kept+added, time.Now().Add(-j.keep).Unix()
	c := b.Cursor()
	for key, value := c.First(); key != nil && dropped < 2*added+16; key, value = c.First() {
		// An event that cannot be read is of no use to anybody.
		if r, err := parse(seqOf(key), value); err == nil && kept-dropped <= j.most && r.at.sec >= old || kept-dropped <= 1 {
			break
		}
		if err := j.before("delete"); err != nil {
			return 0, err
		}
		if err := c.Delete(); err != nil {
			return 0, err
		}
		dropped++
	}
	return dropped, nil
}

// publish makes events visible.
func (j *Journal) publish(onDisk bool, list []Event, more int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(list) > 0 {
		j.head = list[len(list)-1].Seq
		j.remember(list)
		close(j.woken)
		j.woken = make(chan struct{})
	}
	if onDisk {
		j.written = max(j.written, j.head)
		j.kept += more
	}
}

// remember keeps the last events in memory. mu is held.
func (j *Journal) remember(list []Event) {
	if n := len(j.recent); n > 0 && j.recent[n-1].Seq+1 != list[0].Seq {
		j.recent = nil
	}
	if len(j.recent)+len(list) > 2*j.few { // else each new event would copy all
		keep := max(j.few-len(list), 0)
		j.recent = append(make([]Event, 0, keep+len(list)), j.recent[max(len(j.recent)-keep, 0):]...)
	}
	j.recent = append(j.recent, list...)
	if n := len(j.recent); n > 2*j.few {
		j.recent = append([]Event(nil), j.recent[n-j.few:]...)
	}
}

// after are the events in memory after one. mu is held.
func (j *Journal) after(seq uint64) []Event {
	n := len(j.recent)
	if n == 0 || j.recent[n-1].Seq <= seq {
		return nil
	}
	first := j.recent[0].Seq
	if seq < first {
		return j.recent
	}
	return j.recent[seq+1-first:]
}
