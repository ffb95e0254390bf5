# Ruby's, Perl's and PHP's clients work through the gateway, and say what it refuses.
. "${0%/*}/clients_lib.sh"

clients_serve
clients_work scripts
