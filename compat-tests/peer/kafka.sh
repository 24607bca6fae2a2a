#!/usr/bin/env bash
# Runs a released Apache Kafka as a peer: the reference in compatibility lanes and the other side in benchmarks.
#
#   kafka.sh start VERSION PORT DIR [KEY=VALUE...]   one node (broker and controller) on 127.0.0.1:PORT in the background; returns when it answers
#   kafka.sh run VERSION PORT DIR [KEY=VALUE...]     the same in the foreground, in this very process, for a supervisor that owns the pid
#   kafka.sh stop DIR                                ends a started node by its own pid and waits for it
#   kafka.sh tool VERSION CLASS ARG...               a command-line tool by class name: TopicCommand, ConsumerGroupCommand, ...
#   kafka.sh classpath VERSION [tools]               fetches the jars if need be and prints the class path
#
# DIR keeps server.properties, data, logs and pid; KEY=VALUE goes into server.properties when DIR is new. PORT+1 is the controller's.
# VERSION is 3.9.1 (the last one that serves clients older than 2.1) or 4.x. Needs java (17 or newer) and, the first time, mvn.
# Environment: HEAP (default 512m), JAVA (default java), JVM_FLAGS (replaces the collector flags), LOG_LEVEL (default warn),
# SORDINI_COMPAT_CACHE (default ~/.cache/sordini-compat): jars live there, and after the first fetch nothing is asked of the network.
set -euo pipefail
self=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SORDINI_COMPAT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sordini-compat}/peer
java=${JAVA:-java}

die() { echo "kafka.sh: $*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || die "'$1' is not installed; $2"; }

# Jars are copied into a scratch folder that is renamed when complete: an interrupted fetch leaves nothing that looks whole.
classpath() { # VERSION [tools]
    local version=$1 kind=${2:-broker} dir scratch args out
    # kafka-tools 4.4.0 was never published; the tools of 4.3.1 drive a 4.4.0 broker, with their own libraries.
    [ "$version-$kind" != 4.4.0-tools ] || version=4.3.1
    dir=$cache/$version-$kind
    if [ ! -d "$dir" ]; then
        need mvn "it fetches Kafka $version the first time (Debian: apt-get install maven)"
        mkdir -p "$cache"
        scratch=$(mktemp -d "$cache/.fetch-XXXXXX")
        args=(-q -B -Dstyle.color=never -f "$self/pom.xml" "-Dkafka.version=$version" "-DoutputDirectory=$scratch")
        [ "$kind" != tools ] || args+=(-Ptools)
        out=$(mvn "${args[@]}" dependency:copy-dependencies 2>&1) || { rm -rf "$scratch"; die "cannot fetch Kafka $version: $out"; }
        mv -T "$scratch" "$dir" 2>/dev/null || rm -rf "$scratch" # somebody else was faster
    fi
    printf '%s/*\n' "$dir"
}

properties() { # PORT DIR [KEY=VALUE...]
    local port=$1 dir=$2; shift 2
    cat <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
log.dirs=$dir/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
P
    [ $# -eq 0 ] || printf '%s\n' "$@"
}

prepare() { # VERSION PORT DIR [KEY=VALUE...]: leaves the class path in $cp and a formatted DIR
    local version=$1 port=$2 dir=$3 id; shift 3
    need "$java" "Kafka needs a JVM, 17 or newer (Debian: apt-get install default-jre-headless)"
    cp=$(classpath "$version")
    [ -e "$dir/server.properties" ] && return
    properties "$port" "$dir" "$@" >"$dir/server.properties"
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'AA' | cut -c 1-22)
    if ! "$java" -Xmx128m -XX:TieredStopAtLevel=1 -cp "$cp" kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties" >"$dir/format.log" 2>&1; then
        cat "$dir/format.log" >&2
        rm -f "$dir/server.properties"
        die "cannot format $dir"
    fi
}

flags() { # the collector settings of Kafka's own start script
    printf '%s ' "-Xmx${HEAP:-512m}" "-Xms${HEAP:-512m}" -server -Djava.awt.headless=true \
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=${LOG_LEVEL:-warn}" -Dorg.slf4j.simpleLogger.showDateTime=true
    printf '%s' "${JVM_FLAGS:--XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent}"
}

run() { # VERSION PORT DIR [KEY=VALUE...]
    local cp dir=$3
    mkdir -p "$dir"; dir=$(cd "$dir" && pwd)
    prepare "$1" "$2" "$dir" "${@:4}"
    # shellcheck disable=SC2046 # the flags are words
    exec "$java" $(flags) -cp "$cp" kafka.Kafka "$dir/server.properties"
}

start() { # VERSION PORT DIR [KEY=VALUE...]
    local cp dir=$3 port=$2 pid
    mkdir -p "$dir"; dir=$(cd "$dir" && pwd)
    [ ! -e "$dir/pid" ] || ! kill -0 "$(cat "$dir/pid")" 2>/dev/null || die "$dir is in use by pid $(cat "$dir/pid")"
    prepare "$1" "$port" "$dir" "${@:4}"
    # shellcheck disable=SC2046
    "$java" $(flags) -cp "$cp" kafka.Kafka "$dir/server.properties" >>"$dir/kafka.log" 2>&1 </dev/null &
    pid=$!
    echo "$pid" >"$dir/pid"
    for _ in $(seq 600); do
        kill -0 "$pid" 2>/dev/null || { tail -20 "$dir/kafka.log" >&2; rm -f "$dir/pid"; die "Kafka $1 ended while starting"; }
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "kafka $1 on 127.0.0.1:$port, pid $pid"
            return
        fi
        sleep 0.1
    done
    stop "$dir"
    die "Kafka $1 did not answer on port $port within 60 s; see $dir/kafka.log"
}

stop() { # DIR
    local pid
    [ -e "$1/pid" ] || return 0
    pid=$(cat "$1/pid")
    kill "$pid" 2>/dev/null || { rm -f "$1/pid"; return 0; }
    for i in $(seq 300); do
        # A process that nobody has reaped is a zombie: it has ended, although kill -0 still finds it.
        if ! kill -0 "$pid" 2>/dev/null || grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null; then break; fi
        [ "$i" -ne 250 ] || kill -9 "$pid" 2>/dev/null || true
        sleep 0.1
    done
    rm -f "$1/pid"
}

tool() { # VERSION CLASS ARG...
    local version=$1 class=$2 dir jar; shift 2
    need "$java" "Kafka's tools need a JVM, 17 or newer"
    dir=$(classpath "$version" tools); dir=${dir%/*}
    if [[ $class != *.* ]]; then # the package depends on the release: the tools moved from kafka.* to org.apache.kafka.*
        need unzip "it looks up the package of $class (Debian: apt-get install unzip), or give the full class name"
        class=$(for jar in "$dir"/kafka*.jar; do unzip -Z1 "$jar"; done | grep "/$class\.class$" | sort -r | head -1 | tr / .) || true
        [ -n "$class" ] || die "Kafka $version has no such tool"
        class=${class%.class}
    fi
    exec "$java" -Xmx256m -XX:TieredStopAtLevel=1 "-Dorg.slf4j.simpleLogger.defaultLogLevel=${LOG_LEVEL:-warn}" -cp "$dir/*" "$class" "$@"
}

usage() { sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

case "${1:-}:$#" in
    start:[4-9]* | start:[1-9][0-9]* | run:[4-9]* | run:[1-9][0-9]* | stop:2 | tool:[3-9]* | tool:[1-9][0-9]* | classpath:[23]) "$@" ;;
    *) usage ;;
esac
