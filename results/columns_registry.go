package results

// registry holds every column, in the order in which they are listed.
var registry = concat(
	[]Column{
		{Name: "server_cpu_us_per_request", Unit: "us", Better: Lower, ByMode: true,
			Meaning: "CPU time of the server process over requests that it counted, between the same two snapshots; in a closed loop the cost under saturation, in an open loop the cost at that rate"},
		{Name: "total_cpu_us_per_request", Unit: "us", Better: Lower, ByMode: true,
			Meaning: "server_cpu_us_per_request plus the generator's CPU time over the window (less what it spun) over the requests that it saw answered"},
		{Name: "capacity_rps", Unit: "1/s", Better: Higher,
			Meaning: "requests answered well per second of a closed loop; null in an open loop"},
		{Name: "achieved_rps", Unit: "1/s", Better: Higher,
			Meaning: "requests of the window answered well per second of the window"},
		{Name: "intended_rps", Unit: "1/s",
			Meaning: "requests per second that the schedule asked for; null in a closed loop"},
	},
	quantiles("response", "intended start to last byte; a failure counts as later than all", true, []string{"us", "ms"}, "p50", "p90", "p99", "p999"),
	quantiles("response_ok", "intended start to last byte, of requests answered well only; never without ok_share", false, []string{"us", "ms"}, "p50", "p99"),
	quantiles("service", "sent to last byte", false, []string{"us"}, "p50", "p99"),
	quantiles("first_byte", "sent to first byte", false, []string{"us"}, "p50", "p99"),
	quantiles("connect", "connect() to established; says nothing where the backlog accepts for the server", true, []string{"us", "ms"}, "p50", "p99"),
	quantiles("admission", "connect() to the first byte of the first reply", true, []string{"us", "ms"}, "p50", "p99"),
	quantiles("lag", "intended start, or a connection free if later, to sent: the generator's fault", false, []string{"us"}, "p50", "p99"),
	quantiles("queue", "intended start to a free connection: the server's doing", false, []string{"us"}, "p50", "p99"),
	[]Column{
		{Name: "ok_share", Unit: "share", Better: Higher,
			Meaning: "requests of the window answered well, of all its requests"},
		{Name: "refused_share", Unit: "share", Better: Lower,
			Meaning: "requests of the window whose connection was refused"},
		{Name: "timed_out_share", Unit: "share", Better: Lower,
			Meaning: "requests of the window not answered within the request timeout on a connection that had been answered before"},
		{Name: "unserved_share", Unit: "share", Better: Lower,
			Meaning: "requests of the window on a connection that was established and never answered"},
		{Name: "shed_share", Unit: "share", Better: Lower,
			Meaning: "requests of the window whose connection the server turned away: ended in order before its first reply, or with 503 or 421"},
		{Name: "error_share", Unit: "share", Better: Lower,
			Meaning: "requests of the window that failed otherwise: reset, status, short, wrong bytes, local; with the five above it makes 1"},
		{Name: "syscalls_per_request", Better: Lower,
			Meaning: "system calls of the server's I/O per request"},
		{Name: "events_per_wait",
			Meaning: "events that one wait returned, on average: how well the backend batches"},
		{Name: "waits_per_request",
			Meaning: "waits for readiness per request"},
		{Name: "switches_per_request", Better: Lower,
			Meaning: "context switches of the server, voluntary and not, per request"},
		{Name: "server_busy_share", Unit: "share",
			Meaning: "CPU time of the server over the window and its CPUs: near 1 the server, below that the generator set the pace of a closed loop"},
		{Name: "server_rss_bytes_per_connection", Unit: "bytes", Better: Lower,
			Meaning: "resident memory of the server with all connections open less that with none, over connections; from 100 connections on"},
		{Name: "server_anon_bytes_per_connection", Unit: "bytes", Better: Lower,
			Meaning: "the same of anonymous memory"},
		{Name: "server_settled_bytes", Unit: "bytes", Better: Lower,
			Meaning: "memory of the server that is live (anonymous, user space), all connections open and silent: after it collected its garbage and returned what was free; without what the kernel keeps for the connections"},
		{Name: "server_rss_bytes", Unit: "bytes", Better: Lower,
			Meaning: "resident memory of the server, all connections open, as it happens to be: garbage not yet collected and the program's own pages included; of another program, its share of what its processes and others have in common (PSS)"},
		{Name: "server_buffer_bytes", Unit: "bytes", Better: Lower,
			Meaning: "user-space buffers that the server's connections have in hand when the window ends: what is taken for bytes on their way, or owned; not what is free"},
		{Name: "kernel_slab_bytes", Unit: "bytes", Better: Lower,
			Meaning: "growth of the kernel's slabs, of the whole system, while the connections were opened: both ends of each, and what the backend registers in the kernel"},
		{Name: "load_settled_bytes", Unit: "bytes", Better: Lower,
			Meaning: "memory of the load process that is live (anonymous, user space), all connections open and silent, after it collected its garbage: the other ends of the server's connections"},
		{Name: "machine_taken_bytes", Unit: "bytes", Better: Lower,
			Meaning: "memory that was unused (free, or page cache) before the load process began, less that with all connections open and both processes settled, of the whole system: a second opinion on server_settled_bytes, load_settled_bytes and kernel_slab_bytes together, in which whatever else the machine did shows"},
		{Name: "busy_share", Unit: "share",
			Meaning: "CPU time of the generator less what it spun, over the window"},
		{Name: "accept_failures_per_s", Unit: "1/s", Better: Lower,
			Meaning: "accept calls that failed (EMFILE and like) per second of the window"},
		{Name: "shed_per_s", Unit: "1/s", Better: Lower,
			Meaning: "connections that the server refused because it was full (on_full: shed), per second of the window"},
		{Name: "reaped_per_s", Unit: "1/s", Better: Lower,
			Meaning: "idle connections that the server closed to make a place (on_full: reap), per second of the window"},
		{Name: "listen_pauses_per_s", Unit: "1/s", Better: Lower,
			Meaning: "times that a listener stopped accepting because of a limit, per second of the window"},
		{Name: "cold_reads_per_s", Unit: "1/s",
			Meaning: "parts of files, of up to 512 KiB, that a thread or the kernel read from the disk so that the server's loop did not wait for it (cold_files), per second of the window"},
		{Name: "cpu_share_at_limit_quiet", Unit: "share", Better: Lower,
			Meaning: "CPU time of the server, of one CPU, while all clients are connected, or wait to be, and silent (phases: quiet_s)"},
		{Name: "recovery_ms", Unit: "ms", Better: Lower, Censored: true,
			Meaning: "when a share of those served leave: from then until as many of those who had no place are answered as there are places, or as there are of them; who was turned away comes again at the pace of the fill, 30,000/s, so that under on_full: shed it is no shorter than that takes"},
		{Name: "told_p50_us", Unit: "us", Better: Lower,
			Meaning: "median latency as the generator tells it: medusa's is service, another program's is by its own rules (the records' notes say which), so its values are no measure of a server"},
		{Name: "told_p99_us", Unit: "us", Better: Lower,
			Meaning: "the 99th percentile, told in the same way"},
		{Name: "reply_bytes", Unit: "bytes",
			Meaning: "bytes of a reply with its head, on average over the window: what servers that are compared should agree on"},
		{Name: "usable_fds", Meaning: "descriptors that the server's limit leaves for connections"},
		{Name: "open_fds_peak", Meaning: "descriptors open in the server, the largest of its snapshots"},
		{Name: "opened_per_s", Unit: "1/s", Better: Higher,
			Meaning: "connections that the server accepted per second of the window"},
		{Name: "gc_cycles", Meaning: "garbage collections of the server in the window"},
	},
	faultColumns,
	slowColumns,
	factors,
	lineFactors,
	[]Column{
		{Name: "trial", Kind: Place, Meaning: "order of execution in the run, from 1"},
		{Name: "grid", Kind: Place, Text: true, Meaning: "the grid of the suite"},
		{Name: "block", Kind: Place, Meaning: "the repetition of the whole grid, from 1"},
		{Name: "mini_block", Kind: Place, Meaning: "the group of trials inside which pairs are formed"},
		{Name: "position", Kind: Place, Meaning: "place in the mini-block, from 1"},
		{Name: "attempt", Kind: Place, Meaning: "1, or more when its mini-block was noisy, or was cut off, and run again"},
		{Name: "role", Kind: Place, Text: true, Meaning: "trial, or capacity: a probe that sets a rate"},
		{Name: "level", Kind: Place, Text: true, Meaning: "the level of the compared factor"},
		{Name: "id", Kind: Place, Text: true, Meaning: "names the trial's files"},
		{Name: "verdict", Kind: Place, Text: true, Meaning: "valid, saturated, client-limited, noisy, unsteady, inconsistent, unverified or failed"},
	},
)

// factors are what a suite may set.
var factors = []Column{
	{Name: "backend", Kind: Factor, Text: true, Meaning: "the server's I/O backend"},
	{Name: "idle_connections", Kind: Factor, Meaning: "connections that are open and silent"},
	{Name: "idle_first_request", Kind: Factor, Text: true, Meaning: "true (each idle connection made one request before it fell silent) or false (it never said anything)"},
	{Name: "settle_memory", Kind: Factor, Text: true, Meaning: "true (the server returned its garbage to the system before its memory was read; the trial tells no CPU time) or false"},
	{Name: "active_connections", Kind: Factor, Meaning: "connections that carry requests"},
	{Name: "ring_without", Kind: Factor, Text: true, Meaning: "a feature that the server's io_uring did without, or nothing"},
	{Name: "burn", Kind: Factor, Unit: "share", Meaning: "CPU time that the server burned on purpose, as a share of what it used"},
	{Name: "depth", Kind: Factor, Meaning: "requests that each active connection of a closed loop keeps on their way: 1 is ping-pong, more is streaming"},
	{Name: "protocol", Kind: Factor, Text: true, Meaning: "http, raw or echo"},
	{Name: "message_bytes", Kind: Factor, Unit: "bytes", Meaning: "size of an echo"},
	{Name: "path", Kind: Factor, Text: true, Meaning: "what is asked for"},
	{Name: "keep_alive", Kind: Factor, Text: true, Meaning: "true, or false for a connection per request"},
	{Name: "mode", Kind: Factor, Text: true, Meaning: "open (arrivals follow a schedule) or closed (a reply triggers the next request)"},
	{Name: "generator", Kind: Factor, Text: true, Meaning: "the load generator of another program"},
	{Name: "load_backend", Kind: Factor, Text: true, Meaning: "the I/O backend of medusa's generator"},
	{Name: "arrivals", Kind: Factor, Text: true, Meaning: "poisson, constant, burst, or trace (a file of times)"},
	{Name: "assign", Kind: Factor, Text: true, Meaning: "whom a request belonged to: free (the connection that had been free the longest) or turn (the clients in turn, served or not)"},
	{Name: "trace", Kind: Factor, Text: true, Meaning: "the file of a trace of arrivals"},
	{Name: "rate_rps", Kind: Factor, Unit: "1/s", Meaning: "requests per second that the schedule asks for"},
	{Name: "rate_share", Kind: Factor, Unit: "share", Meaning: "the rate as a share of the baseline's capacity, probed in the same mini-block"},
	{Name: "nofile", Kind: Factor, Meaning: "descriptor limit of each process of the server (RLIMIT_NOFILE)"},
	{Name: "server_processes", Kind: Factor, Meaning: "processes of the server, among which the kernel spread the connections (SO_REUSEPORT)"},
	{Name: "max_connections", Kind: Factor, Meaning: "connections that the server held at most"},
	{Name: "on_full", Kind: Factor, Text: true, Meaning: "what the server did with who came when all places were taken: pause, shed or reap"},
	{Name: "accepts_per_turn", Kind: Factor, Meaning: "connections that the server accepted one after the other"},
	{Name: "defer_accept_s", Kind: Factor, Unit: "s", Meaning: "how long the kernel kept connections whose client said nothing (TCP_DEFER_ACCEPT)"},
	{Name: "head_timeout_s", Kind: Factor, Unit: "s", Meaning: "how long the head of a request might take"},
	{Name: "idle_timeout_s", Kind: Factor, Unit: "s", Meaning: "after which silence the server closed a connection"},
	{Name: "offered_share", Kind: Factor, Unit: "share", Meaning: "connections offered, of usable_fds"},
	{Name: "active_share", Kind: Factor, Unit: "share", Meaning: "active connections, of those offered"},
	{Name: "in_bytes", Kind: Factor, Unit: "bytes", Meaning: "input buffer of a connection of the server"},
	{Name: "out_bytes", Kind: Factor, Unit: "bytes", Meaning: "output buffer of a connection of the server"},
	{Name: "cold_files", Kind: Factor, Text: true, Meaning: "who waited for the disk where a file was not in the page cache: loop, work (a thread) or ring (the kernel)"},
	{Name: "server_wait", Kind: Factor, Text: true, Meaning: "block (sleep until something happens) or poll (never sleep)"},
	{Name: "pacing", Kind: Factor, Text: true, Meaning: "busy (the generator never sleeps in the window) or sleep"},
	{Name: "server_cpus", Kind: Factor, Meaning: "CPUs of the server"},
	{Name: "congestion", Kind: Factor, Text: true, Meaning: "TCP congestion control on both ends"},
	{Name: "fault", Kind: Factor, Text: true, Meaning: "what was done to the server on purpose in a part of the window; none: nothing"},
	{Name: "fault_connections", Kind: Factor, Meaning: "connections of the fault: held at once, or of half-open, burst and short-connections in all"},
	{Name: "fault_path", Kind: Factor, Text: true, Meaning: "what the clients of the fault asked for"},
	{Name: "fault_rate_per_s", Kind: Factor, Unit: "1/s", Meaning: "connections that the fault began in a second"},
	{Name: "fault_evicts", Kind: Factor, Text: true, Meaning: "whether the file of fault_path was dropped from the page cache before each download"},
	{Name: "fault_after_s", Kind: Factor, Unit: "s", Meaning: "when the fault began, from the window's start"},
	{Name: "fault_s", Kind: Factor, Unit: "s", Meaning: "how long the fault lasted at most"},
	{Name: "request_timeout_ms", Kind: Factor, Unit: "ms", Meaning: "a request that takes longer has failed"},
	{Name: "connect_timeout_ms", Kind: Factor, Unit: "ms", Meaning: "a connection that takes longer has failed"},
	{Name: "warmup_s", Kind: Factor, Unit: "s", Meaning: "length of the warm-up before the window"},
	{Name: "fd_base", Kind: Factor, Meaning: "descriptor numbers below this one were taken before the server listened"},
	{Name: "window_s", Kind: Factor, Unit: "s", Meaning: "length of the window"},
}

// quantiles names the columns of one distribution.
func quantiles(dist, meaning string, censored bool, units []string, levels ...string) []Column {
	words := map[string]string{"p50": "median", "p90": "90th percentile", "p99": "99th percentile", "p999": "99.9th percentile"}
	var out []Column
	for _, unit := range units {
		for _, q := range levels {
			out = append(out, Column{
				Name: dist + "_" + q + "_" + unit, Unit: unit, Kind: Metric, Better: Lower, Censored: censored,
				Meaning: words[q] + " of " + dist + ": " + meaning,
			})
		}
	}
	return out
}

func concat(parts ...[]Column) []Column {
	var out []Column
	for _, part := range parts {
		for _, c := range part {
			if c.Kind == "" {
				c.Kind = Metric
			}
			out = append(out, c)
		}
	}
	return out
}
