package machine

import "github.com/sordini/sordini/controller/record"

// FormatCluster names the cluster, once, as the first entry of a new metadata log. There is no reply.
type FormatCluster struct {
	ClusterID string
}

func (ev FormatCluster) decide(m *Machine, _ int64) Decision {
	if m.img.ClusterID != "" {
		return Decision{}
	}
	return Decision{Records: []record.Record{&record.Cluster{ClusterID: ev.ClusterID}}}
}
