package group

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// printRecord and printResponse are the transcripts' words: one line, what is
// usual left out.

func printRecord(r Record) string {
	version, _ := keyVersion(r.Key)
	if version == groupKeyVersion {
		var key kmsg.GroupMetadataKey
		if err := key.ReadFrom(r.Key); err != nil {
			return err.Error()
		}
		if r.Value == nil {
			return fmt.Sprintf("group %q tombstone", key.Group)
		}
		v, err := decodeGroup(r.Value)
		if err != nil {
			return err.Error()
		}
		s := fmt.Sprintf("group %q v%d gen=%d type=%q protocol=%s leader=%s at=%d", key.Group, v.Version,
			v.Generation, v.ProtocolType, printPtr(v.Protocol), printPtr(v.Leader), v.CurrentStateTimestamp)
		for _, mb := range v.Members {
			s += fmt.Sprintf(" {%s%s %x -> %x}", mb.MemberID, printInstance(mb.InstanceID), mb.Subscription, mb.Assignment)
		}
		return s
	}
	var key kmsg.OffsetCommitKey
	if err := key.ReadFrom(r.Key); err != nil {
		return err.Error()
	}
	name := fmt.Sprintf("offset %q %s/%d", key.Group, key.Topic, key.Partition)
	if r.Value == nil {
		return name + " tombstone"
	}
	var v kmsg.OffsetCommitValue
	if err := v.ReadFrom(r.Value); err != nil {
		return err.Error()
	}
	s := fmt.Sprintf("%s = %d v%d at=%d", name, v.Offset, v.Version, v.CommitTimestamp)
	if v.Version >= 3 {
		s += fmt.Sprintf(" epoch=%d", v.LeaderEpoch)
	}
	if v.Version == 1 {
		s += fmt.Sprintf(" expires=%d", v.ExpireTimestamp)
	}
	if v.Metadata != "" {
		s += fmt.Sprintf(" metadata=%q", v.Metadata)
	}
	return s
}

func printPtr(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func printInstance(s *string) string {
	if s == nil {
		return ""
	}
	return "/" + *s
}

func printCode(code int16) string {
	if err := kerr.TypedErrorForCode(code); err != nil {
		return fmt.Sprintf("%d %s", code, err.Message)
	}
	return "ok"
}

func printResponse(response any) string {
	switch r := response.(type) {
	case Done:
		return "done"
	case *kerr.Error:
		return "refused: " + printCode(r.Code)
	case *NeedVerification:
		return "verify"
	case *kmsg.JoinGroupResponse:
		return printJoin(r)
	case *kmsg.SyncGroupResponse:
		if r.ErrorCode != 0 {
			return "sync " + printCode(r.ErrorCode)
		}
		return fmt.Sprintf("sync ok type=%s protocol=%s %x", printPtr(r.ProtocolType), printPtr(r.Protocol), r.MemberAssignment)
	case *kmsg.HeartbeatResponse:
		return "heartbeat " + printCode(r.ErrorCode)
	case *kmsg.LeaveGroupResponse:
		s := "leave " + printCode(r.ErrorCode)
		for _, mb := range r.Members {
			s += fmt.Sprintf(" {%s%s %s}", mb.MemberID, printInstance(mb.InstanceID), printCode(mb.ErrorCode))
		}
		return s
	case *kmsg.OffsetCommitResponse:
		s := "commit"
		for _, topic := range r.Topics {
			for _, p := range topic.Partitions {
				s += fmt.Sprintf(" %s/%d %s", topic.Topic, p.Partition, printCode(p.ErrorCode))
			}
		}
		return s
	case *kmsg.OffsetFetchResponseGroup:
		s := "fetch " + printCode(r.ErrorCode)
		for _, topic := range r.Topics {
			for _, p := range topic.Partitions {
				s += fmt.Sprintf(" %s/%d=%d epoch=%d", topic.Topic, p.Partition, p.Offset, p.LeaderEpoch)
				if p.ErrorCode != 0 {
					s += " " + printCode(p.ErrorCode)
				}
				if *p.Metadata != "" {
					s += fmt.Sprintf(" metadata=%q", *p.Metadata)
				}
			}
		}
		return s
	case *kmsg.DescribeGroupsResponseGroup:
		s := fmt.Sprintf("describe %s %q %s type=%q protocol=%q", printCode(r.ErrorCode), r.Group, r.State, r.ProtocolType, r.Protocol)
		for _, mb := range r.Members {
			s += fmt.Sprintf(" {%s%s %s%s %x -> %x}", mb.MemberID, printInstance(mb.InstanceID), mb.ClientID, mb.ClientHost, mb.ProtocolMetadata, mb.MemberAssignment)
		}
		return s
	case []*kerr.Error:
		s := "deletegroups"
		for _, err := range r {
			if err == nil {
				s += " ok"
				continue
			}
			s += " " + printCode(err.Code)
		}
		return s
	case *kmsg.OffsetDeleteResponse:
		s := "offsetdelete " + printCode(r.ErrorCode)
		for _, topic := range r.Topics {
			for _, p := range topic.Partitions {
				s += fmt.Sprintf(" %s/%d %s", topic.Topic, p.Partition, printCode(p.ErrorCode))
			}
		}
		return s
	case []kmsg.ListGroupsResponseGroup:
		s := "list"
		for _, g := range r {
			s += fmt.Sprintf(" {%q %q %s %s}", g.Group, g.ProtocolType, g.GroupState, g.GroupType)
		}
		return s
	}
	return fmt.Sprintf("%T?", response)
}

func printJoin(r *kmsg.JoinGroupResponse) string {
	if r.ErrorCode != 0 {
		return fmt.Sprintf("join %s member=%s", printCode(r.ErrorCode), r.MemberID)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "join ok gen=%d type=%s protocol=%s leader=%s member=%s", r.Generation,
		printPtr(r.ProtocolType), printPtr(r.Protocol), r.LeaderID, r.MemberID)
	if r.SkipAssignment {
		b.WriteString(" skip")
	}
	for _, mb := range r.Members {
		fmt.Fprintf(&b, " {%s%s %x}", mb.MemberID, printInstance(mb.InstanceID), mb.ProtocolMetadata)
	}
	return b.String()
}
