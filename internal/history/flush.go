package history

// Flush writes what is not on disk yet, for whoever does not want to wait for Run.
func (s *Store) Flush() error {
	if s.disk == nil {
		return nil
	}
	_, err := s.flush()
	return err
}
