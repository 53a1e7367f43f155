# Runs one server for as long as its starter lives: standard input is a pipe that only the starter holds open, so
# its end, however it comes (return, panic, Ctrl-C, SIGKILL), is seen here as the end of the file.
# Arguments: the signal that stops the server, its directory, its log, then the command.
trap : INT TERM HUP
signal=$1 directory=$2 log=$3
shift 3

# A group of its own, so that nothing the server started can outlive it; and no signal ignored, as a shell has it for
# what it runs in the background.
setsid env --default-signal "$@" </dev/null >>"$log" 2>&1 &
server=$!
echo "$server"
read -r _

kill -s "$signal" "$server" 2>/dev/null
left=500
while kill -0 "$server" 2>/dev/null && [ "$left" -gt 0 ]; do
    sleep 0.02
    left=$((left - 1))
done
kill -s KILL -- "-$server" 2>/dev/null
wait
rm -rf -- "$directory"
