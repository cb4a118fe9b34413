package collector

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/health-exporter/health_exporter/prober/schedule"
)

const (
	// maxScrapes is how many scrapes are answered at a time.
	maxScrapes = 40
	// stalled is how long a client may take to read a chunk.
	stalled = 30 * time.Second
)

// Source is where the targets come from.
type Source interface {
	// Snapshot gives what is known of each target, sorted by app. What it points
	// to never changes.
	Snapshot() []*schedule.Status
}

// Page serves /metrics: all targets, and what a gatherer has besides. It writes
// the text or the OpenMetrics format, whichever the client likes better, and
// needs the same memory for a hundred thousand targets as for ten.
type Page struct {
	// Immutable.
	source   Source
	gatherer prometheus.Gatherer
	log      *slog.Logger
	own      map[string]bool     // the names of our families
	all      prometheus.Gatherer // targets too, for protobuf; nil if that is not offered
	drop     func(string) bool   // says which families are left out; nil for none

	labels  labelCache
	slots   chan struct{} // holds one element per scrape under way
	writers sync.Pool     // of *writer
	zippers sync.Pool     // of *gzip.Writer
}

// NewPage makes a page of a source and a gatherer, which may be nil. A nil
// logger discards.
func NewPage(source Source, gatherer prometheus.Gatherer, log *slog.Logger) *Page {
	p := &Page{
		source:   source,
		gatherer: gatherer,
		log:      cmp.Or(log, slog.New(slog.DiscardHandler)),
		own:      map[string]bool{},
		slots:    make(chan struct{}, maxScrapes),
	}
	for i := range families {
		p.own[families[i].name] = true
	}
	p.writers.New = func() any { return &writer{buf: make([]byte, 0, chunkSize+chunkSize/4)} }
	p.zippers.New = func() any {
		// Level 1 is the fastest, and leaves such a page no longer than the next ones do.
		z, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
		if err != nil {
			panic(err) // the level is a constant
		}
		return z
	}
	return p
}

// OfferProtobuf makes the page answer in protobuf too, which alone can carry
// native histograms. That costs several times the memory and time of text. Call
// it before the first scrape.
func (p *Page) OfferProtobuf() {
	targets := prometheus.NewRegistry()
	targets.MustRegister(NewTargets(p.source))
	p.all = prometheus.Gatherers{targets}
	if p.gatherer != nil {
		p.all = prometheus.Gatherers{targets, p.gatherer}
	}
}

// ServeHTTP answers one scrape. A page that cannot be finished is broken off
// (http.ErrAbortHandler), because the half of one would look like targets gone.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed: use GET", http.StatusMethodNotAllowed)
		return
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, fmt.Sprintf("too many scrapes: %d are being answered already", maxScrapes), http.StatusServiceUnavailable)
		return
	}
	offered := []expfmt.Format{expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtOpenMetrics_0_0_1, expfmt.FmtText}
	if p.all != nil {
		offered = append(offered, expfmt.FmtProtoDelim)
	}
	format := expfmt.NegotiateAccept(r.Header, offered...)
	header := w.Header()
	header.Set("Content-Type", string(format))
	header.Set("Vary", "Accept, Accept-Encoding")
	zip := acceptsGzip(r.Header)
	if zip {
		header.Set("Content-Encoding", "gzip")
	}
	if r.Method == http.MethodHead {
		return
	}
	if err := p.answer(r.Context(), w, format, zip); err != nil {
		p.log.Debug("scrape broken off", "err", err)
		panic(http.ErrAbortHandler)
	}
}

func (p *Page) answer(ctx context.Context, w http.ResponseWriter, format expfmt.Format, zip bool) error {
	control := http.NewResponseController(w)
	deadlines := true // not every ResponseWriter has them; those of net/http do
	more := func() {
		deadlines = deadlines && control.SetWriteDeadline(time.Now().Add(stalled)) == nil
	}
	if !zip {
		return p.write(ctx, w, more, format)
	}
	z := p.zippers.Get().(*gzip.Writer)
	z.Reset(w)
	defer func() {
		z.Reset(io.Discard)
		p.zippers.Put(z)
	}()
	if err := p.write(ctx, z, more, format); err != nil {
		return err
	}
	return z.Close()
}

// write writes the whole page.
func (p *Page) write(ctx context.Context, to io.Writer, more func(), format expfmt.Format) error {
	w := p.writers.Get().(*writer)
	w.ctx, w.w, w.more = ctx, to, more
	defer func() {
		w.release()
		p.writers.Put(w)
	}()
	if format.FormatType() == expfmt.TypeProtoDelim {
		p.appendGathered(w, format, p.all, nil)
		w.flush()
		return w.err
	}
	head := textHead
	if format.FormatType() == expfmt.TypeOpenMetrics {
		head = openMetricsHead
	}
	list := p.source.Snapshot()
	labels := p.labels.of(list)
	for i := range families {
		if p.drops(families[i].name) {
			continue
		}
		if w.family(&families[i], head, list, labels); w.err != nil {
			return w.err
		}
	}
	p.appendGathered(w, format, p.gatherer, p.own)
	w.flush()
	return w.err
}

// appendGathered adds the families of a gatherer, but those that are written
// already. What cannot be gathered or encoded is logged; it must not cost the rest
// of the page.
func (p *Page) appendGathered(w *writer, format expfmt.Format, from prometheus.Gatherer, written map[string]bool) {
	encoder := expfmt.NewEncoder(w, format)
	if from != nil {
		gathered, err := from.Gather()
		if err != nil {
			p.log.Error("gathering metrics", "err", err)
		}
		for _, f := range gathered {
			if written[f.GetName()] {
				p.log.Error("gathering metrics: a family of the targets", "name", f.GetName())
				continue
			}
			if p.drops(f.GetName()) {
				continue
			}
			before := len(w.buf)
			if err := encoder.Encode(f); err != nil {
				p.log.Error("encoding metrics", "name", f.GetName(), "err", err)
				w.buf = w.buf[:before]
			}
			if len(w.buf) >= chunkSize && !w.flush() {
				return
			}
		}
	}
	if closer, ok := encoder.(expfmt.Closer); ok {
		if err := closer.Close(); err != nil { // writes "# EOF"
			w.err = cmp.Or(w.err, err)
		}
	}
}

// acceptsGzip reports whether the client takes gzip. "*" alone does not count:
// who is able to unpack says so.
func acceptsGzip(h http.Header) bool {
	for _, line := range h.Values("Accept-Encoding") {
		for part := range strings.SplitSeq(line, ",") {
			coding, params, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				return !refused(params)
			}
		}
	}
	return false
}

// refused reports whether the parameters of a coding are q=0.
func refused(params string) bool {
	name, value, _ := strings.Cut(params, "=")
	if !strings.EqualFold(strings.TrimSpace(name), "q") {
		return false
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err == nil && q == 0
}
