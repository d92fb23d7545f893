/*
 * Ready manifests: those that came with Stingy, for builds of known servers, found by the build-id of the program.
 *
 * They lie in $STINGY_READY if that is set; else in manifests/debian-12 beside this executable, where a build leaves
 * them; else where they were installed. Failures are reported in one line on stderr. One thread.
 */
#ifndef STINGY_READY_H
#define STINGY_READY_H

/* Finds the command as execvp would, into path[PATH_MAX]. Returns 0, or -1 after the one line. */
int stingy_command_find(const char *command, char *path);

/* Writes the path of the manifest for the command into manifest[PATH_MAX]. Returns 0, or -1 after the one line. */
int stingy_ready_find(const char *command, char *manifest);

#endif
