/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All tables of scenarios: the name of the group and the array, which ends with
 * an empty entry.  A group may have several tables.
 */
GROUP("out", out_scenarios)
GROUP("out", out_file_scenarios)
GROUP("out", out_odd_scenarios)
GROUP("out", out_fastopen_scenarios)
GROUP("out", out_async_scenarios)
GROUP("steps", steps_scenarios)
GROUP("ends", ends_scenarios)
GROUP("in", in_scenarios)
GROUP("in", in_odd_scenarios)
GROUP("in", in_urgent_scenarios)
GROUP("in", in_file_scenarios)
GROUP("in", in_async_scenarios)
GROUP("ends", ends_process_scenarios)
GROUP("accept", accept_scenarios)
GROUP("descriptors", descriptors_scenarios)
GROUP("descriptors", descriptors_process_scenarios)
GROUP("descriptors", descriptors_thread_scenarios)
GROUP("descriptors", descriptors_32_scenarios)
GROUP("size", size_scenarios)
GROUP("connect", connect_scenarios)
GROUP("connect", connect_fail_scenarios)
GROUP("stacks", stacks_scenarios)
GROUP("random", random_scenarios)
