# Reads what callgrind dumped whenever a function op_* returned, with uncompressed names and positions; prints for each
# of them the instructions that libstingy.so executed in its last call, for one of the objects= that the call is about.

/^part:/ { cost = 0; name = "" }
/^desc: Trigger: --dump-after=op_/ { sub(/.*=op_/, ""); name = $0 }
/^ob=/ { is_ours = /\/libstingy\.so$/ }
/^calls=/ { getline; next } # the next line has the callee's costs, which are listed where it is
is_ours && /^[0-9]/ { cost += $2 }
/^totals:/ && name != "" {
	if (!(name in last)) order[n++] = name
	last[name] = cost
}
END {
	for (i = 0; i < n; i++)
		printf "%s %.10g\n", order[i], last[order[i]] / objects
}
