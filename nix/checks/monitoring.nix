# What the example host's Prometheus, Alertmanager and Blackbox exporter are told, for their
# own programs to read.
tools:
let
  inherit (tools) lib;
  vulcan = tools.evaluate [ ../hosts/vulcan ];
  prometheus = vulcan.services.prometheus;
  set = lib.filterAttrs (_: v: v != null);
in
{
  alertmanager = prometheus.alertmanager.configuration;
  blackbox = prometheus.exporters.blackbox.configFile.value;
  # As NixOS writes it: what is null is left out.
  prometheus = {
    global = set prometheus.globalConfig;
    scrape_configs = map
      (s: set (s // { relabel_configs = if s.relabel_configs == null then null else map set s.relabel_configs; }))
      prometheus.scrapeConfigs;
    alerting.alertmanagers = map set prometheus.alertmanagers;
  };
  # What root agrees to in advance where all of the example host's containers run.
  standing = (tools.evaluate [
    ../hosts/vulcan
    {
      watchstander.containers.apps = lib.genAttrs [ "organizr" "wallabag" "sillytavern" "litellm" ]
        (_: { digest = lib.mkForce "sha256:${lib.concatStrings (lib.genList (_: "0") 64)}"; });
    }
  ]).services.watchstander.agent.settings.standing;
  rules = lib.listToAttrs (map (f: { name = f.name; value = f.text; }) prometheus.ruleFiles);
}
