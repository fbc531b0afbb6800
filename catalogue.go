package drawdown

// RateCard is the data of rates.published: prices in credits that are in force from an instant on.
type RateCard struct {
	Version       string
	EffectiveFrom Time
	Rates         []Rate // a kind at most once
}

// Rate is the price of one kind of source connector: Credits for Per units of Meter.
type Rate struct {
	Kind    string
	Meter   Meter
	Credits Credits
	Per     uint64
}

// ConnectorEntry is the data of connector.set: kind and stage of a connector from an instant on.
type ConnectorEntry struct {
	Connector   string
	Kind        string
	Stage       Stage
	EffectiveAt Time // NoTime where absent: the record's time
}

// Stage is how finished a connector is.
type Stage uint8

// The stages of a connector. While a connector is alpha or beta, its connections are free to enrolled accounts.
const (
	Alpha Stage = iota
	Beta
	GA
	StageCount
)

var stageNames = [StageCount]string{"alpha", "beta", "ga"}

// String returns the stage's name in records.
func (s Stage) String() string { return stageNames[s] }

// ParseStage returns the stage of that name.
func ParseStage(name []byte) (Stage, bool) {
	for s, known := range stageNames {
		if string(name) == known {
			return Stage(s), true
		}
	}
	return 0, false
}

// Category says where a grant came from. Grants are burned in the order of their categories.
type Category uint8

// The categories, in burn order.
const (
	SubscriptionGrant Category = iota
	PromotionalGrant
	PurchasedGrant
	CategoryCount
)

var categoryNames = [CategoryCount]string{"subscription", "promotional", "purchased"}

// String returns the category's name in records.
func (c Category) String() string { return categoryNames[c] }
