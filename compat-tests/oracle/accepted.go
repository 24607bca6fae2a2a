package oracle

import "strings"

// accepted is a difference from Kafka that is meant. In script, label and path a * stands for anything; where theirs or ours is given, it
// must be what that side says ("-": nothing, or the default).
type accepted struct {
	script       string
	from, to     int16
	label, path  string
	theirs, ours string
	reason       string
}

const newest = 99

var acceptedDifferences = []accepted{
	// Messages.
	{"*", 0, newest, "*", "*ErrorMessage", "-", "a message", "Kafka leaves many errors without a word; a reason helps."},
	{"describe configs*", 0, newest, "*", "Resources[*].ErrorMessage", "a message", "-", "Kafka's message of a success is empty, ours is null."},
	{"find coordinator*", 0, newest, "*", "*ErrorMessage", "a message", "-", "Kafka says NONE when there is nothing to say."},

	// Produce.
	{"produce*", 5, newest, "*", "Topics[*].Partitions[*].LogStartOffset", "0", "-", "Kafka fills it in for some errors and not for others; clients read it in successes."},
	{"produce *", 3, newest, "*", "Topics[*].Partitions[*].LogAppendTime", "17*", "-", "For a duplicate Kafka says the producer's own time as the append time; clients then take it for the broker's."},
	{"produce lists", 0, newest, "* twice*", "Topics[*#2]", "-", "there", "What is named twice is answered twice, as it was asked; Kafka makes one of it."},
	{"produce lists", 0, newest, "a topic twice", "Topics[*].Partitions[1]", "there", "-", "It stands in the second of the two."},
	{"produce lists", 0, newest, "*", "Topics[*].Partitions[*]*Offset", "", "", "Kafka loses the first of two record sets for a partition, and says that all went well; ours takes both."},
	{"produce lists", 0, newest, "a * set for one partition", "Topics[*].Partitions[*", "", "", "Kafka loses the first of two record sets for a partition, and says that all went well; ours answers both."},
	{"produce odd batches", 3, newest, "length of 2 GiB", "*.ErrorCode", "-1", "87", "An exception in Kafka; a batch that cannot be is an invalid record."},
	{"produce odd batches", 3, newest, "offset deltas *", "*", "", "", "Kafka takes wrong deltas when they are not compressed, and consumers then see offsets twice or not at all."},
	{"produce odd batches", 3, newest, "negative time delta", "*.BaseOffset", "35", "31", "The two sets with wrong deltas are not there."},
	{"produce odd batches", 3, newest, "end of a", "*.Offset", "38", "34", "The two sets with wrong deltas are not there."},
	{"produce odd batches", 4, newest, "what is there", "Records[*]", "", "", "The two sets with wrong deltas are not there."},

	// Fetch.
	{"fetch*", 0, 3, "*", "*.RecordBatches[*]", "there", "-", "Kafka pads converted answers with a torn message, on which clients below 0.10.2 stumble when it is all there is."},
	{"fetch*", 0, 3, "*", "*.RecordBatches[*]", "*", "message*", "Kafka cuts a converted answer where its unconverted form would end; ours has what the limit allows."},
	{"fetch*", 0, 3, "*", "*.RecordBatches[*]", "-", "there", "Kafka cuts a converted answer where its unconverted form would end; ours has what the limit allows."},
	{"fetch*", 4, newest, "*", "*.AbortedTransactions", "[]", "-", "Next to an error Kafka's list is empty, ours is null, as for every read_uncommitted."},
	{"*fetch*", 5, newest, "*", "*.LogStartOffset", "-", "0", "OFFSET_OUT_OF_RANGE tells where the log starts: it is known."},
	{"fetch", 0, newest, "a partition twice", "Topics[*].Partitions[0*", "", "", "Kafka keeps the last of the two, ours answers both."},
	{"fetch lists", 0, newest, "a*n partition twice*", "Topics[*", "", "", "Kafka keeps the last of the two, ours answers both."},
	{"fetch lists", 0, newest, "a partition twice*", "Topics[*", "", "", "Kafka keeps the last of the two, ours answers both."},
	{"fetch lists", 0, newest, "a good and a bad offset of one partition", "Topics[*", "", "", "Kafka keeps the last of the two, ours answers both."},
	{"fetch bytes", 0, newest, "negative partition limit", "Topics[*].Partitions[0*", "", "", "An exception in Kafka; a negative limit is 0 here."},
	{"fetch sessions topics", 13, newest, "it*s *deleted", "Topics[*].ErrorCode", "3", "100", "An id that was of a topic is unknown like any other; clients take 3, 100 and 103 alike, and ask for metadata."},
	{"fetch sessions topics", 13, newest, "*new id", "Topics[*].ErrorCode", "103", "100", "An id that was of a topic is unknown like any other; clients take 3, 100 and 103 alike, and ask for metadata."},
	{"fetch", 7, newest, "isolation level *", "*", "", "", "For a level that does not exist Kafka has -1 for the whole request from version 7 on, ours for each partition."},
	{"fetch limits", 3, newest, "negative bytes", "Topics[*].Partitions[*", "", "", "Kafka fails the first partition and serves the others; a negative limit is 0 here."},
	{"fetch formats", 0, 3, "topic with zstd", "*", "", "", "Kafka refuses the topic, even empty; ours refuses when there is a zstd batch to convert."},
	{"fetch formats", 0, 3, "zstd", "*.RecordBatches", "null", "-", "An error has an empty record set, not a null one, which old clients do not expect."},

	// Changes of partitions and configs.
	{"create partitions", 0, newest, "offsets topic*", "*.ErrorCode", "-", "37", "Kafka lets the number change, and finds no group of before after its next start; ours refuses."},
	{"*alter configs", 0, newest, "*message.format.version*", "*", "*", "-", "A key of older releases, which tools still send; it is kept and does nothing."},
	{"incremental alter*", 0, newest, "operation * retention.ms=1", "*.ErrorCode", "-1", "42", "An exception in Kafka; an operation that does not exist is a bad request."},

	{"describe quorum", 2, newest, "*", "*ErrorMessage", "a message", "-", "Kafka's message of a success is empty, ours is null."},
	{"describe quorum", 2, newest, "the metadata", "Nodes[1].Listeners[CONTROLLER]*", "*", "-", "There is no listener for controllers."},

	// ListOffsets, OffsetForLeaderEpoch.
	{"list offsets errors", 0, 0, "negative number of offsets", "*.ErrorCode", "-1", "-", "An exception in Kafka; nobody can be given fewer than no offsets."},
	{"list offsets errors", 1, newest, "a partition twice", "Topics[*].Partitions[0#2]", "-", "there", "One refusal for each time it is named, as 3.9.1."},
	{"list offsets lists", 1, newest, "*without partitions*", "Topics[*]", "-", "there", "Of nothing nothing is said, in either form."},
	{"list offsets lists", 1, newest, "a topic twice", "Topics[a*", "", "", "What is named twice is answered twice, as it was asked; Kafka makes one of it."},
	{"list offsets lists", 0, 0, "after all records were deleted, special -1", "*", "[9 9]", "[9]", "The start and the end of an empty log are one."},
	{"list offsets lists", 7, newest, "after all records were deleted, special -3", "*", "", "-", "Kafka points at a record that is deleted."},
	{"offset for leader epoch", 0, newest, "negative epoch", "Topics[*", "", "", "Kafka echoes the epoch that cannot be with an end of 0; ours says that it does not know it."},

	// Metadata.
	{"metadata", 10, newest, "*", "Brokers[1]", "-", "there", "When it refuses a topic as malformed, Kafka has no brokers in the answer, and the client no cluster any more."},
	{"metadata", 10, newest, "*", "ClusterID", "-", "", "When it refuses a topic as malformed, Kafka has no brokers in the answer, and the client no cluster any more."},
	{"metadata", 10, newest, "*", "ControllerID", "-", "", "When it refuses a topic as malformed, Kafka has no brokers in the answer, and the client no cluster any more."},
	{"metadata", 10, newest, "some by name and some by id", "Topics[b]*", "", "", "One topic that is malformed (10, 11) or asked by id (12, 13) makes Kafka forget those asked by name."},
	{"metadata", 12, newest, "neither", "*", "", "", "Kafka fails the whole answer with -1; ours the topic, with 42."},
	{"metadata auto create", 0, newest, "*", "Topics[auto*", "", "", "Kafka answers 3 while it creates the topic; ours answers when it takes records, for clients that do not retry."},

	// Topics.
	{"*", 1, newest, "*", "*Configs[min.insync.replicas]*", "", "", "Kafka 4.4.0 sets the cluster's default when the cluster is made; here it is the default of the config."},
	{"create topics*", 7, newest, "*", "Topics[*].TopicID", "<an id>", "-", "The id of a topic that was only validated never comes to be."},
	{"create topics errors", 1, newest, "message.format.version=2.0", "*", "", "", "Accepted without effect, as 3.9.1: programs of the time of Kafka 3 set it."},
	{"create topics odd", 0, newest, "colliding names together", "Topics[x_y]*", "", "", "Kafka looks for collisions with what is there only, and makes both of one request."},
	{"create topics odd", 5, newest, "values with blanks", "*.Configs[*].Value", "", "", "Kafka echoes the request; what is in force, and DescribeConfigs shows, is the same."},
	{"create topics odd", 0, newest, "as they are shown", "*ErrorMessage", "a message", "-", "Kafka's message of a success is empty, ours is null."},
	{"delete records", 0, newest, "several", "Topics[b*", "", "", "What is named twice is answered twice, as it was asked; Kafka makes one of it."},
	{"delete records", 0, newest, "a partition twice", "Topics[b].Partitions[0*", "", "", "What is named twice is answered twice, as it was asked; Kafka makes one of it."},
	{"delete records", 0, newest, "no partitions", "Topics[b]", "-", "there", "Of nothing nothing is said, in either form."},

	// Groups.
	{"offset commit", 0, 0, "*", "*", "", "", "Version 0 went to ZooKeeper; Kafka without ZooKeeper refuses it, ours keeps the offset with the group."},
	{"offset fetch", 0, 0, "*", "*", "", "", "Version 0 went to ZooKeeper; Kafka without ZooKeeper refuses it, ours keeps the offset with the group."},
	{"delete groups", 0, newest, "twice in one request", "Groups[h#2]", "-", "there", "What is named twice is answered twice, as it was asked; Kafka makes one of it."},
	{"offset commit odd", 1, 1, "a topic twice", "Topics[a*", "", "", "What is named twice is answered twice, as it was asked; Kafka makes one of it."},
	{"offset commit odd", 1, 1, "a partition twice", "Topics[a].Partitions[0#2]", "-", "there", "What is named twice is answered twice, as it was asked; Kafka makes one of it."},
	{"offsets topic", 2, newest, "*", "Records[*].Value.Version", "4", "3", "Kafka writes the topic's id since 4.4; what it wrote before is read by every monitor."},
	{"offsets topic", 2, newest, "*", "Records[*].Value.TopicID", "", "", "Kafka writes the topic's id since 4.4; what it wrote before is read by every monitor."},
	{"join group odd", 7, newest, "empty protocol, with the id", "Protocol", "-", "\"\"", "Kafka makes null of an empty name."},

	// Transactions.
	{"describe transactions", 0, newest, "*", "TransactionStates[*].Topics[*].Partitions", "", "", "Kafka shows the partitions as they lie in a hash table."},
	{"write markers", 0, newest, "of nobody", "*.ErrorCode", "-1", "42", "An exception in Kafka; a marker without a producer is a malformed request."},
	{"write markers", 0, newest, "of an older epoch", "*.ErrorCode", "-1", "42", "The epoch is -1: an exception in Kafka."},
	{"write markers", 2, newest, "end of a", "Topics[a].Partitions[2].Offset", "4", "3", "Kafka writes a marker of transaction version 2 that is repeated once more; it ends nothing."},

	// Configs.
	{"describe configs*", 0, 0, "*", "*.IsDefault", "-", "true", "Kafka never says true; from version 1 on the source says it, and agrees with ours."},
	{"describe configs", 0, 0, "*", "Resources[*].Configs[*", "", "", "Version 0 ended with 3.9.1, which has other configs; in version 1 they are compared with those of 4.4.0."},
	{"describe configs odd", 0, 0, "*logger*", "Resources[1]*", "", "", "The peer of 3.9.1 runs without the logging library that it asks."},
	{"describe configs odd", 0, newest, "a broker, a topic and nonsense", "Resources[*", "", "", "A type that nobody knows makes Kafka refuse the others too."},
	{"describe configs", 0, 0, "group", "Resources[*].ErrorCode", "42", "-", "Group configs came after 3.9.1."},
	{"describe configs everything", 4, newest, "the broker", "Resources[1].Configs[*listener*", "", "", "What the peer was started with."},
	{"describe configs everything", 4, newest, "the broker", "Resources[1].Configs[controller.quorum.voters]*", "", "", "What the peer was started with."},
	{"describe configs everything", 4, newest, "the broker", "Resources[1].Configs[process.roles]*", "", "", "What the peer was started with."},
	{"describe configs everything", 4, newest, "the broker", "Resources[1].Configs[*state*.topic.*", "", "", "What the peer was started with."},
	{"describe configs everything", 4, newest, "the broker", "Resources[1].Configs[transaction.state.log.*", "", "", "What the peer was started with."},
	{"describe configs everything", 4, newest, "the broker", "Resources[1].Configs[offsets.topic.replication.factor]*", "", "", "What the peer was started with; the default is clamped to the brokers there are."},
	{"describe configs everything", 4, newest, "the broker", "Resources[1].Configs[node.id]*", "-", "", "It has a default here."},
	{"describe configs everything", 4, newest, "the broker", "Resources[1].Configs[log.cleaner.dedupe.buffer.size].*", "\"134217728\"", "\"33554432\"", "Our own default is smaller."},
	{"describe configs everything", 4, newest, "the broker", "Resources[1].Configs[sordini.*", "-", "", "Our own configs are shown where they are set."},

	// ApiVersions.
	{"api versions", 0, newest, "*", "ApiKeys[*]", "there", "-", "Not served yet."},
	{"api versions", 0, newest, "*", "ApiKeys[*].MinVersion", "", "-", "Old clients are served."},
	{"api versions", 3, newest, "*", "*Features[eligible.leader.replicas.version]*", "", "-", "What the feature stands for is not served yet."},
	{"api versions", 3, newest, "*", "*Features[group.version]*", "", "-", "What the feature stands for is not served yet."},
	{"api versions", 3, newest, "*", "*Features[kraft.version]*", "", "-", "What the feature stands for is not served yet."},
	{"api versions", 3, newest, "*", "*Features[metadata.version]*", "", "-", "What the feature stands for is not served yet."},
	{"api versions", 3, newest, "*", "*Features[share.version]*", "", "-", "What the feature stands for is not served yet."},
	{"api versions", 3, newest, "*", "*Features[streams.version]*", "", "-", "What the feature stands for is not served yet."},
}

func (a *accepted) fits(script string, d *difference) bool {
	return d.version >= a.from && d.version <= a.to && glob(a.script, script) && glob(a.label, d.label) && glob(a.path, d.path) &&
		side(a.theirs, d.theirs) && side(a.ours, d.ours)
}

func side(want, got string) bool {
	if want == "" {
		return true
	}
	if want == "-" {
		return got == ""
	}
	return glob(want, got)
}

func glob(pattern, s string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !strings.HasPrefix(s, head) {
		return false
	}
	if !star {
		return s == head
	}
	for i := len(head); i <= len(s); i++ {
		if glob(rest, s[i:]) {
			return true
		}
	}
	return false
}
