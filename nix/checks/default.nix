# What is checked of the modules by evaluating them: every file of cases/, with the small lib
# and the stubs of this folder, or with the real nixpkgs where its path is given.
#
#   nix-instantiate --store dummy:// --readonly-mode --eval --strict --json nix/checks
#
# gives, for each file of cases/, how many cases it has and the names of those that are wrong.
{ nixpkgs ? null
, lib ? import (if nixpkgs == null then ./lib else nixpkgs + "/lib")
}:
let
  pkgs =
    if nixpkgs == null then import ./pkgs.nix { inherit lib; }
    else import nixpkgs { system = "x86_64-linux"; overlays = [ (import ../overlay.nix) ]; config = { }; };

  files = dir: map (name: dir + "/${name}")
    (builtins.filter (name: builtins.match ".*\\.nix" name != null) (builtins.attrNames (builtins.readDir dir)));

  # Every option of the modules, as docs/options.md tells it (options_test.go). The small
  # lib's alone: nixpkgs has its own way.
  documented = import ./options.nix {
    inherit lib;
    inherit (lib.evalModules { specialArgs = { inherit pkgs; }; modules = files ./stubs ++ [ ../modules ]; }) options;
  };

  # A host of these modules, with every module of ../modules at hand.
  evaluate = modules:
    if nixpkgs == null then
      (lib.evalModules { specialArgs = { inherit pkgs; }; modules = files ./stubs ++ [ ../modules ] ++ modules; }).config
    else
      (import (nixpkgs + "/nixos/lib/eval-config.nix") {
        system = null;
        # NixOS refuses a host without a disk to boot from.
        modules = [
          { nixpkgs.pkgs = pkgs; boot.loader.grub.device = lib.mkDefault "nodev"; fileSystems."/" = lib.mkDefault { device = "/dev/disk/by-label/root"; fsType = "ext4"; }; }
          ../modules
        ] ++ modules;
      }).config;

  tools = {
    inherit lib pkgs evaluate;
    real = nixpkgs != null;
    # The messages of a host's assertions that do not hold.
    broken = config: map (a: a.message) (lib.filter (a: !a.assertion) config.assertions);
    # Whether one of them has these words.
    tells = words: config: lib.any (lib.hasInfix words) (tools.broken config);
    # Whether a value can be had at all.
    fails = v: !(builtins.tryEval (builtins.deepSeq v v)).success;
  };

  # A file of cases gives `holds`, by name: what must be true; and `refused`, by name: what
  # must not evaluate.
  result = file:
    let
      cases = import file tools;
      # That a module which is off makes nothing at all is seen only where nobody else makes anything.
      holds = lib.filterAttrs (name: _: nixpkgs == null || !(lib.hasPrefix "nothing" name)) cases.holds;
      refused = cases.refused or { };
      ok = v: let t = builtins.tryEval (v == true); in t.success && t.value;
    in
    {
      name = baseNameOf (toString file);
      value = {
        cases = lib.length (lib.attrNames holds) + lib.length (lib.attrNames refused);
        wrong = lib.attrNames (lib.filterAttrs (_: v: !(ok v)) holds)
          ++ map (n: "refused: ${n}") (lib.attrNames (lib.filterAttrs (_: v: !(tools.fails v)) refused));
      };
    };
in
{
  inherit tools documented;
  # What the example host has for people to type.
  packages.vulcan = map (p: p.name) (tools.evaluate [ ../hosts/vulcan ]).environment.systemPackages;
  # The texts of the example host's rule files: those of ../alerts, and what modules make.
  rules = map (f: f.text) (tools.evaluate [ ../hosts/vulcan ]).services.prometheus.ruleFiles;
  # What the example host's files of logs and of Grafana hold.
  logs = let c = tools.evaluate [ ../hosts/vulcan ]; in {
    loki = c.services.loki.configuration;
    alloy = c.environment.etc."alloy/watchstander-journal.alloy".source.text;
    grafana = { inherit (c.services.grafana) settings provision; };
  };
  # Settings of the bot and its agent, as they are written: the example host's, what the few
  # lines of the manual come to, and those of the VM, which nobody can start here.
  settings =
    let
      vulcan = (tools.evaluate [ ../hosts/vulcan ]).services.watchstander;
      slack = hostName: way: (tools.evaluate [{
        networking = { inherit hostName; };
        services.watchstander = {
          enable = true;
          slack = { team = "T024BE7LD"; botTokenFile = "/run/secrets/bot"; channel = "C024BE91L"; } // way;
          operators.alice = "T024BE7LD/U012AB3CD";
        };
      }]).services.watchstander.settings;
      node = (import ./vm.nix { } { inherit lib pkgs; }).nodes.vulcan { config.system.stateVersion = "25.05"; };
      vm = (tools.evaluate [{ networking.hostName = "vulcan"; services.watchstander = node.services.watchstander; }]).services.watchstander;
    in
    {
      bots = {
        vulcan = vulcan.settings;
        vm = vm.settings;
        house = slack "house" { appTokenFile = "/run/secrets/app"; };
        behind = slack "behind" { http.signingSecretFile = "/run/secrets/signing"; };
      };
      agents = { vulcan = vulcan.agent.settings; vm = vm.agent.settings; };
    };
  mark.vulcan = (tools.evaluate [ ../hosts/vulcan ]).environment.etc."watchstander/host.json".text;
  rendered = import ./rendered.nix tools;
  monitoring = import ./monitoring.nix tools;
  results = builtins.listToAttrs (map result (files ./cases));
}
