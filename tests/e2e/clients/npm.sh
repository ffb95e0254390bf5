# npm.sh URL - the package tiny is installed from the registry there, here.
set -eu
export npm_config_update_notifier=false npm_config_audit=false \
	npm_config_fund=false npm_config_cache="$PWD/cache" \
	npm_config_logs_max=0 npm_config_userconfig="$PWD/npmrc"
rm -rf project
mkdir project
echo '{"name": "project", "version": "1.0.0"}' >project/package.json
npm install --prefix project --registry "$1" tiny
node -p 'require("./project/node_modules/tiny")'
