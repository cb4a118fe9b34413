package registry

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/health-exporter/health_exporter/prober"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal is the body as it is stored: after a CRC-32C over it, its key and its
// bucket, for bbolt checks none of them.
func seal(bucket, name string, body []byte) []byte {
	value := make([]byte, 4, 4+len(body))
	binary.BigEndian.PutUint32(value, checksum(bucket, name, body))
	return append(value, body...)
}

var (
	errMissing  = errors.New("is missing")
	errChecksum = errors.New("checksum does not match")
)

// unseal is the body of a stored value; it lies within the value.
func unseal(bucket, name string, value []byte) ([]byte, error) {
	if value == nil {
		return nil, errMissing
	}
	if len(value) < 4 || binary.BigEndian.Uint32(value) != checksum(bucket, name, value[4:]) {
		return nil, errChecksum
	}
	return value[4:], nil
}

func checksum(bucket, name string, body []byte) uint32 {
	sum := crc32.Update(0, castagnoli, []byte(bucket+"\x00"+name+"\x00"))
	return crc32.Update(sum, castagnoli, body)
}

func encodeTarget(t *prober.Target) ([]byte, error) { return json.Marshal(t) }

func decodeTarget(k key, body []byte) (*prober.Target, error) {
	t := new(prober.Target)
	if err := json.Unmarshal(body, t); err != nil {
		return nil, err
	}
	if t.App != k.app || t.Source != k.source {
		return nil, fmt.Errorf("it is the record of %q of source %q", t.App, t.Source)
	}
	return t, nil
}

// pause is an operator's word as it is stored.
type pause struct {
	Paused bool `json:"paused"`
}

func encodePause(paused bool) []byte {
	if paused {
		return []byte(`{"paused":true}`)
	}
	return []byte(`{"paused":false}`)
}

func decodePause(body []byte) (bool, error) {
	var p pause
	err := json.Unmarshal(body, &p)
	return p.Paused, err
}
