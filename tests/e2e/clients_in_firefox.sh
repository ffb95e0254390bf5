# Firefox works through the gateway, and says what it refuses.
. "${0%/*}/clients_lib.sh"

clients_serve
clients_are_somebodys
clients_work firefox
