# apt.sh URL - the archive there is read and its package tiny downloaded, here.
#
# Nothing of this machine's apt is read or written.
set -eu
rm -rf apt
mkdir -p apt/lists/partial apt/archives/partial apt/log
: >apt/status
echo "deb [trusted=yes] $1 ./" >apt/sources.list
cat >apt/conf <<-END
	Dir::Etc "$PWD/apt";
	Dir::Etc::parts "none";
	Dir::Etc::main "none";
	Dir::Etc::sourcelist "$PWD/apt/sources.list";
	Dir::Etc::sourceparts "none";
	Dir::State "$PWD/apt";
	Dir::State::lists "$PWD/apt/lists";
	Dir::State::status "$PWD/apt/status";
	Dir::Cache "$PWD/apt";
	Dir::Cache::archives "$PWD/apt/archives";
	Dir::Log "$PWD/apt/log";
	APT::Sandbox::User "root";
	APT::Update::Post-Invoke {};
END
export APT_CONFIG="$PWD/apt/conf" LC_ALL=C
apt-get -o APT::Update::Error-Mode=any update
rm -f tiny_*.deb
apt-get download tiny
dpkg-deb --field tiny_*.deb Description
