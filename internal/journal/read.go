package journal

import "go.etcd.io/bbolt"

// Read gives events after one, oldest first, at most limit of them, and without a hole.
// It gives none if there are none yet, and ErrBehind if the next one is not there. The
// events may not be changed.
func (j *Journal) Read(after uint64, limit int) ([]Event, error) {
	j.mu.RLock()
	head, recent, first := j.head, j.after(after), j.head+1
	if len(j.recent) > 0 {
		first = j.recent[0].Seq
	}
	j.mu.RUnlock()
	switch {
	case after == head || limit <= 0:
		return nil, nil
	case after > head:
		return nil, ErrBehind{first}
	case after+1 >= first: // it is in memory
		return recent[:min(limit, len(recent)):min(limit, len(recent))], nil
	case j.view == nil:
		return nil, ErrBehind{first}
	}
	return j.readDisk(after, limit, head, first)
}

// readDisk reads what is not in memory: events up to head, and the first that is.
func (j *Journal) readDisk(after uint64, limit int, head, first uint64) (list []Event, err error) {
	err = j.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucketName))
		if b == nil {
			return ErrBehind{first}
		}
		c := b.Cursor()
		for key, value := c.Seek(keyOf(after + 1)); key != nil && len(list) < limit; key, value = c.Next() {
			seq := seqOf(key)
			r, err := parse(seq, value)
			switch {
			case seq == 0 || seq > head:
				return nil
			case err != nil:
				continue // damaged since the start: a hole
			case seq == after+uint64(len(list))+1:
				list = append(list, r.event(seq))
			case len(list) == 0:
				return ErrBehind{min(seq, first)}
			default:
				return nil // the next Read tells
			}
		}
		return nil
	})
	if err == nil && len(list) == 0 {
		err = ErrBehind{first}
	}
	if err != nil {
		return nil, err
	}
	return list, nil
}
