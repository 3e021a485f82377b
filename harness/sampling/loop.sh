#!/bin/sh
# The one-second sampler. It runs on the phone, alone: started once, detached, it paces itself by
# /proc/uptime against a fixed origin and appends one framed record a period to samples.txt, which
# the host follows. Written for mksh with toybox and for dash with coreutils: nothing of bash, and at
# most three forks a period (dumpsys, cat, sleep). What dumpsys prints may be protobuf: it never goes
# through a variable, which would lose its NUL bytes.
#
# It runs in its own folder, where the host has put sampler.conf:
#   TOKEN        starts every line that belongs to the frame, so that no reading can fake one
#   PERIOD_CS    period in 1/100 s           PROC_DIR     where meminfo and stat lie
#   STAT_MODE    line (first line only), cat (whole file: small, and read at once) or none
#   PACKAGE      process to sample           PIDOF        command that finds it
#   BATTERY      command, or empty           BATTERY_NAME name of its section: ..._proto for protobuf
#   FILES        names of kernel files       FILE_x       where file x lies
#   SLOW         names of slow commands      COMMAND_x    command x, and its package if it needs one
#   NAME_x       name of its section         EVERY_x      periods between two
#   OWN_x        1: only while the process is there
#   MAX_BYTES    size at which it ends       CLK_TCK PAGE_KB  passed on to the reader
# Files: samples.txt, lock, stop (made by the host), lease (uptime in s until which it may run).

. ./sampler.conf || exit 2

# One sampler a folder: pid and start time name a process for good.
read -r line < /proc/$$/stat
set -- ${line##*) }
me="$$ ${20}"
if [ -e lock ]; then
  read -r old_pid old_start < lock
  if [ -n "$old_pid" ] && [ -r "/proc/$old_pid/stat" ]; then
    read -r line < "/proc/$old_pid/stat"
    set -- ${line##*) }
    if [ "${20}" = "$old_start" ]; then
      echo "already running as $old_pid"
      exit 3
    fi
  fi
  rm -f lock
fi
(set -C; echo "$me" > lock) 2>/dev/null || { echo "another sampler was quicker"; exit 3; }

NL='
'
if [ -n "$KSH_VERSION" ]; then
  out() { print -r -- "$1"; } # printf is no builtin there, and echo eats backslashes
else
  out() { printf '%s\n' "$1"; }
fi
OUT=samples.txt
for name in meminfo pid_stat pid_statm pid_status stat $FILES; do
  echo "${NL}$TOKEN $name" > "head.$name"
done
extra=
for name in $FILES; do
  eval "extra=\"\$extra head.$name \$FILE_$name\""
done
for name in $SLOW; do
  : > "$name.done"
  eval "pid_$name= next_$name=0"
done
: > battery.0
: > battery.1
rm -f stop

# Sets s (whole seconds of uptime), u (as printed) and now (1/100 s since the origin). Differences
# are taken before multiplying: mksh counts in 32 bits.
up() {
  read -r u rest < /proc/uptime
  s=${u%.*}
  c=${u#*.}
  now=$(((s - s0) * 100 + 1$c - 100 - c0))
}

# slow NAME COMMAND...: runs a slow command beside the loop; its result joins a later frame.
slow() {
  name=$1
  shift
  (
    read -r began rest < /proc/uptime
    "$@" > "$name.part" 2>/dev/null < /dev/null
    read -r ended rest < /proc/uptime
    echo "$began $ended" > "$name.when"
    mv "$name.part" "$name.done"
  ) &
}

# ready NAME: puts a finished slow result into the frame's files.
ready() {
  read -r when < "$1.when"
  eval "section=\$NAME_$1"
  echo "${NL}$TOKEN $section $when" > "head.$1"
  files="$files head.$1 $1.done"
  joined="$joined $1"
}

finish() {
  if [ -n "$battery_tick" ] && ! kill -0 "$battery_pid" 2>/dev/null; then
    echo "${NL}$TOKEN $BATTERY_NAME $battery_tick" >> $OUT
    cat "battery.$slot" >> $OUT
  fi
  echo "${NL}$TOKEN stopped $1 $n" >> $OUT
  for name in $SLOW; do
    eval "kill \$pid_$name" 2>/dev/null
  done
  [ -n "$battery_pid" ] && kill "$battery_pid" 2>/dev/null
  rm -f lock
  exit 0
}

read -r u rest < /proc/uptime
s0=${u%.*}
c0=${u#*.}
c0=$((1$c0 - 100))
echo "${NL}$TOKEN header 1 $u $PERIOD_CS $$ $CLK_TCK $PAGE_KB $(date +%s)" >> $OUT

n=0
pid=
slot=0
battery_pid=
battery_tick=
next_find=0
finds=0
until=0
while :; do
  up
  left=$((n * PERIOD_CS - now))
  if [ $left -gt 0 ]; then
    f=$((100 + left % 100))
    sleep "$((left / 100)).${f#1}"
    up
  elif [ $left -lt $((0 - PERIOD_CS)) ]; then
    n=$((now / PERIOD_CS)) # whole periods were lost: the gap in the numbers says so
  fi
  start=$u

  [ -e stop ] && finish stop
  lease=
  read -r lease < lease || [ -n "$lease" ] || [ -e lease ] || finish gone
  [ -n "$lease" ] && until=$lease
  [ "$s" -gt "$until" ] && finish lease

  # The trainer: a dead one has no statm, a zombie an empty one.
  if [ -n "$pid" ]; then
    size=0
    read -r size rest 2>/dev/null < "/proc/$pid/statm" || size=0
    [ "$size" = 0 ] && pid= && finds=0
  fi
  if [ -z "$pid" ] && [ "$n" -ge "$next_find" ]; then
    set -- $($PIDOF "$PACKAGE" 2>/dev/null)
    pid=$1
    for name in $SLOW; do
      eval "[ -n \"\$OWN_$name\" ] && next_$name=0"
    done
    finds=$((finds + 1))
    next_find=$((n + 1))
    [ "$finds" -gt 60 ] && next_find=$((n + 5)) # it walks all of /proc: less often when idle
  fi

  # The battery, asked beside the loop: the answer joins the next frame with its own number, so a
  # service that hangs delays nothing.
  battery=
  if [ -n "$BATTERY" ]; then
    if [ -n "$battery_pid" ] && kill -0 "$battery_pid" 2>/dev/null; then
      [ $((n - battery_tick)) -gt 10 ] && kill "$battery_pid" 2>/dev/null
    else
      if [ -n "$battery_tick" ]; then
        echo "${NL}$TOKEN $BATTERY_NAME $battery_tick" > head.battery
        battery="head.battery battery.$slot"
      fi
      slot=$((1 - slot))
      $BATTERY > "battery.$slot" 2>/dev/null < /dev/null &
      battery_pid=$!
      battery_tick=$n
    fi
  fi

  read -r self < /proc/$$/stat
  out "${NL}$TOKEN frame $n $start $pid${NL}$TOKEN self${NL}$self" >> $OUT
  files=$battery
  if [ -n "$pid" ]; then
    p=/proc/$pid
    files="$files head.pid_stat $p/stat head.pid_statm $p/statm head.pid_status $p/status"
  fi
  joined=
  for name in $SLOW; do
    [ -s "$name.done" ] && ready "$name"
  done
  case $STAT_MODE in
    cat)
      cat head.meminfo "$PROC_DIR/meminfo" head.stat "$PROC_DIR/stat" $extra $files >> $OUT 2>/dev/null
      ;;
    *)
      cpu=
      [ "$STAT_MODE" = line ] && read -r cpu < "$PROC_DIR/stat"
      out "$TOKEN stat${NL}$cpu" >> $OUT
      cat head.meminfo "$PROC_DIR/meminfo" $extra $files >> $OUT 2>/dev/null
      ;;
  esac
  up
  out "${NL}$TOKEN end $n $u" >> $OUT
  for name in $joined; do
    : > "$name.done"
  done

  for name in $SLOW; do
    eval "next=\$next_$name"
    [ "$n" -ge "$next" ] || continue
    eval "last=\$pid_$name own=\$OWN_$name run=\$COMMAND_$name every=\$EVERY_$name"
    [ -n "$own" ] && [ -z "$pid" ] && continue
    [ -n "$last" ] && kill -0 "$last" 2>/dev/null && continue
    slow "$name" $run
    eval "pid_$name=\$! next_$name=$((n + every))"
  done
  if [ $((n % 64)) -eq 63 ]; then
    size=$(wc -c < $OUT)
    [ "$size" -gt "$MAX_BYTES" ] && finish size
  fi
  n=$((n + 1))
done
