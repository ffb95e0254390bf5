/*
 * git.h - what git asks for over HTTP, told from all else
 *
 * Cloning and fetching by the smart protocol (gitprotocol-http(5)) is two
 * requests: GET .../info/refs?service=git-upload-pack and POST
 * .../git-upload-pack, and nothing else. The dumb protocol reads files by
 * their names; nothing tells those from any other file.
 *
 * Pushing is whatever could reach git-receive-pack, however it is written.
 */
#ifndef SLUICE_GIT_H
#define SLUICE_GIT_H

#include "path.h"
#include "request.h"

/* @path is the normal form of the request's. */
bool git_is_fetch(const struct request *request, const struct path *path);

bool git_is_push(const struct request *request, const struct path *path);

#endif
