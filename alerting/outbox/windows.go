package outbox

import (
	"encoding/json"
	"strings"

	"github.com/health-exporter/health_exporter/alerting"
)

// windowPrefix begins the keys under which maintenance windows were kept here before
// they had a file of their own.
const windowPrefix = "window\x00"

// OldWindows are the maintenance windows that were kept here once. DropOldWindows
// must follow as soon as they are kept elsewhere.
func (o *Outbox) OldWindows() ([]alerting.Window, error) {
	all, err := o.store.kept()
	if err != nil {
		return nil, err
	}
	var list []alerting.Window
	for key, text := range all {
		var w alerting.Window
		if strings.HasPrefix(key, windowPrefix) && json.Unmarshal(text, &w) == nil {
			list = append(list, w)
		}
	}
	return list, nil
}

// DropOldWindows forgets what OldWindows gave.
func (o *Outbox) DropOldWindows() error {
	all, err := o.store.kept()
	if err != nil {
		return err
	}
	gone := map[string][]byte{}
	for key := range all {
		if strings.HasPrefix(key, windowPrefix) {
			gone[key] = nil
		}
	}
	return o.store.keep(gone)
}
