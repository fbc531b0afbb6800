package bench

import (
	"context"
	"fmt"

	"drawdown/internal/app"
)

// prepare puts the job together, without beginning it. Call end at the end of the process's work.
func (j *job) prepare(result *report) (begin work, end func(), err error) {
	log := j.Config.Logger()
	registry := app.NewRegistry()
	var part app.Part
	switch j.Kind {
	case workerJob:
		part, end, err = j.Config.NewWorker(registry, log)
	case sinkJob:
		part, end, err = j.Config.NewSink(registry, log)
	case apiJob:
		part, end, err = j.Config.NewAPI(registry, log)
	case purchaserJob:
		return j.purchaser(registry, log)
	case naivePurchaserJob:
		return j.naivePurchaser()
	case emptyJob:
		return j.empty()
	case baselineJob:
		naive, err := newBaseline(j)
		if err != nil {
			return nil, nil, err
		}
		return func(ctx context.Context) (err error) {
			result.Nano, err = naive.run(ctx)
			return err
		}, naive.close, nil
	default:
		return nil, nil, fmt.Errorf("no such job: %q", j.Kind)
	}
	if err != nil {
		return nil, nil, err
	}
	return part.Run, end, nil
}
