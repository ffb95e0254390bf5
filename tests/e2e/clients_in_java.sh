# Java's clients work through the gateway, and say what it refuses.
. "${0%/*}/clients_lib.sh"

! command -v javac >/dev/null || javac -d "$HERE" "$CLIENTS/Get.java"

clients_serve
clients_work java
