package server

import (
	"net/http"
	"strconv"

	"github.com/health-exporter/health_exporter/internal/server/probelog"
)

// logs shows a remembered ad-hoc probe, by its id or by its target.
func (s *server) logs(w http.ResponseWriter, r *http.Request) {
	query := queryOf(r)
	id, target, module := query.Get("id"), query.Get("target"), query.Get("module")
	var record *probelog.Record
	switch {
	case id == "" && target == "":
		http.Error(w, "Either id or target (with module, if you like) is needed", http.StatusBadRequest)
		return
	case id != "" && target != "":
		http.Error(w, "Give id or target, not both", http.StatusBadRequest)
		return
	case id != "":
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			http.Error(w, "The id must be a whole number", http.StatusBadRequest)
			return
		}
		record = s.probes.ByID(n)
	default:
		record = s.probes.ByTarget(target, module)
	}
	if record == nil {
		http.Error(w, "There is no such probe, or it is too old (--history.limit)", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err := record.Write(w); err != nil {
		s.Log.Debug("log page broken off", "err", err)
	}
}

// config shows the configuration in force, its secrets masked.
func (s *server) config(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte(s.Settings().ConfigText()))
}
