// SPDX-License-Identifier: GPL-2.0-only
/* Run the inputs in files, for a compiler without libFuzzer. */
#include <stdio.h>

#include "kernel.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int main(int argc, char **argv)
{
	static u8 data[65536];

	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t n;

		if (!f)
			return perror(argv[i]), 1;
		n = fread(data, 1, sizeof(data), f);
		fclose(f);
		fprintf(stderr, "%s\n", argv[i]);
		LLVMFuzzerTestOneInput(data, n);
	}
	return 0;
}
