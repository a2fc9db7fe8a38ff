/*
 * Put behind conf_parse() in a copy of the kernel's conf.c: runs many modes on one reading of the tree, each in a
 * process of its own. The file "jobs" has a line for each: MODE INPUT OUTPUT, with "-" for no input.
 */
conf_set_message_callback(NULL);
{
	static char line[9000], mode[64], input[4000], output[4000];
	FILE *jobs = fopen("jobs", "r");
	long at = 0;

	/* A child that exits moves the offset that it shares with us: it is set anew for each line. */
	while (jobs && !fseek(jobs, at, SEEK_SET) && fgets(line, sizeof(line), jobs)) {
		char *seed;
		int child, status = 0, known = 0, i;

		at = ftell(jobs);
		if (sscanf(line, "%63s %3999s %3999s", mode, input, output) != 3)
			continue;
		fflush(NULL);
		child = fork();
		if (child) {
			waitpid(child, &status, 0);
			if (status)
				fprintf(stderr, "FAILED %s", line);
			continue;
		}
		seed = strchr(mode, ':');
		if (seed)
			*seed++ = '\0';
		for (i = 0; long_opts[i].name; i++)
			if (long_opts[i].flag && !strcmp(long_opts[i].name, mode)) {
				input_mode = long_opts[i].val;
				known = 1;
			}
		if (!known)
			exit(2);
		setenv("KCONFIG_CONFIG", output, 1);
		if (seed) {
			setenv("KCONFIG_SEED", seed, 1);
			set_randconfig_seed();
		} else if (input_mode == defconfig)
			defconfig_file = input;
		else if (input_mode != olddefconfig && strcmp(input, "-"))
			setenv("KCONFIG_ALLCONFIG", input, 1);
		goto evaluate;
	}
	return 0;
}
evaluate:
