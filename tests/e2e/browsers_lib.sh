# browsers_lib.sh - the folders in which sluice-init tells browsers of the CA
#
# Where this machine has one of them, its agent is shown a copy instead.

BROWSERS='/etc/chromium /etc/chromium-browser /etc/opt/chrome /etc/opt/edge
	/etc/brave /etc/firefox /usr/lib/firefox-esr/distribution
	/usr/lib/firefox/distribution /usr/lib64/firefox/distribution
	/opt/firefox/distribution'
export BROWSERS

# To be run where mounts are the agent's alone and /run is a file system of its
# own.
LAY_BROWSERS='
	for folder in $BROWSERS; do
		[ -d "$folder" ] || continue
		mkdir -p "/run/laid$folder"
		cp -a "$folder/." "/run/laid$folder"
		mount --bind "/run/laid$folder" "$folder"
	done'
