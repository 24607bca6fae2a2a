package controller

import (
	"context"

	"github.com/sordini/sordini/controller/machine"
	"github.com/sordini/sordini/controller/record"
)

// Import takes over topics of another cluster; see machine.Import. When it returns nil they are committed and published.
func (s *Service) Import(ctx context.Context, records []record.Record) error {
	reply, err := s.do(ctx, machine.Import{Records: records})
	if err != nil {
		return err
	}
	if r := reply.(machine.ImportReply); r.Err != nil {
		return &RefusedError{r.Err, r.Message}
	}
	return nil
}
