package durable

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Why a value cannot be unsealed.
var (
	ErrMissing  = errors.New("is missing")
	ErrChecksum = errors.New("checksum does not match")
)

// Seal is the body as it is to be stored: after a CRC-32C over its place, such as its
// bucket and key, and itself, for bbolt checks none of them.
func Seal(place string, body []byte) []byte {
	value := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), checksum(place, body))
	return append(value, body...)
}

// Unseal is the body of a stored value; it lies within the value. A nil value is missing.
func Unseal(place string, value []byte) ([]byte, error) {
	if value == nil {
		return nil, ErrMissing
	}
	if len(value) < 4 || binary.BigEndian.Uint32(value) != checksum(place, value[4:]) {
		return nil, ErrChecksum
	}
	return value[4:], nil
}

func checksum(place string, body []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // made once, by the library
	return crc32.Update(crc32.Checksum([]byte(place), table), table, body)
}
