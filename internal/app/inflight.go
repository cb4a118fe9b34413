package app

// mostInFlight is how many probes may be in flight unless the operator says otherwise.
const mostInFlight = 10_000

// maxInFlight is how many probes may be in flight, if so many are wanted; 0 leaves it
// to us.
func maxInFlight(wanted int) int {
	return inFlightWithin(wanted, uint64(openFiles()))
}

// inFlightWithin leaves four tenths of the file descriptors to everything else: a probe
// that gets none says nothing of its target, and a page that gets none is not served.
func inFlightWithin(wanted int, files uint64) int {
	if wanted <= 0 {
		wanted = mostInFlight
	}
	return min(wanted, int(min(files, 1<<20))*6/10)
}
