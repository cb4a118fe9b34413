package durable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// order is that of the machine: bbolt writes numbers so.
var order = binary.NativeEndian

// Sizes, flags and magic numbers of bbolt's file format, version 2.
const (
	pageHeader  = 16 // id 8, flags 2, count 2, overflow 4
	elementSize = 16
	metaSize    = 64
	bucketSize  = 16 // root 8, sequence 8

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagMeta     = 0x04
	flagFreelist = 0x10
	leafBucket   = 0x01

	boltMagic   = 0xED0CDAED
	boltVersion = 2
	minPage     = 1024
	maxPage     = minPage << 13
	noFreelist  = 1<<64 - 1
)

// head is one of the two meta pages.
type head struct {
	pageSize              int64
	root, freelist, limit uint64
	txid                  uint64
	valid                 bool
}

var errHeader = errors.New("its header is not its own")

// readHeads chooses between the two meta pages as bbolt does: the newer one
// whose checksum is right.
func readHeads(file io.ReaderAt) (head, []string, error) {
	first, fault := readHead(file, 0, 0)
	at := first.pageSize
	if !first.valid {
		for at = minPage; at <= maxPage; at *= 2 {
			if h, _ := readHead(file, at, 1); h.valid && h.pageSize == at {
				break
			}
		}
	}
	second, fault2 := readHead(file, at, 1)
	var faults []string
	for i, err := range []error{fault, fault2} {
		if err != nil {
			faults = append(faults, fmt.Sprintf("meta page %d: %v", i, err))
		}
	}
	switch {
	case !first.valid && !second.valid:
		return head{}, nil, damagef("neither of its meta pages is valid")
	case !first.valid || second.valid && second.txid > first.txid:
		return second, faults, nil
	}
	return first, faults, nil
}

// readHead reads one meta page. A fault in the header of the page does not make
// the meta invalid.
func readHead(file io.ReaderAt, at int64, id uint64) (h head, fault error) {
	var b [pageHeader + metaSize]byte
	if _, err := file.ReadAt(b[:], at); err != nil {
		return head{}, err
	}
	meta := b[pageHeader:]
	sum := fnv.New64a()
	_, _ = sum.Write(meta[:56])
	h = head{
		pageSize: int64(order.Uint32(meta[8:])),
		root:     order.Uint64(meta[16:]), freelist: order.Uint64(meta[32:]),
		limit: order.Uint64(meta[40:]), txid: order.Uint64(meta[48:]),
	}
	switch {
	case order.Uint32(meta[0:]) != boltMagic || order.Uint32(meta[4:]) != boltVersion || h.pageSize < minPage || h.pageSize > maxPage:
		return head{}, errors.New("not of a bbolt file")
	case order.Uint64(meta[56:]) != sum.Sum64():
		return head{}, ErrChecksum
	case order.Uint64(b[:]) != id || order.Uint16(b[8:]) != flagMeta:
		fault = errHeader
	}
	h.valid = true
	return h, fault
}
