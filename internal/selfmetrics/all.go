package selfmetrics

import "slices"

// Names lists the names of all families of this package, sorted.
func Names() []string {
	names := []string{schedulerLateness.name}
	names = appendNames(names, schedulerTable)
	names = appendNames(names, storageTable)
	names = appendNames(names, journalTable)
	names = appendNames(names, historyTable)
	names = appendNames(names, notificationsTable)
	names = appendNames(names, zeroconfTable)
	names = appendNames(names, discoveryTable)
	names = appendNames(names, goneTable)
	names = appendNames(names, reloadTable)
	names = appendNames(names, adHocTable)
	slices.Sort(names)
	return names
}

func appendNames[T any](names []string, table []stat[T]) []string {
	for _, line := range table {
		names = append(names, line.name)
	}
	return names
}
