# watchstander.constraints: the plan's bounds. Each fails the evaluation with words that say
# which option and what to do, so that no system that breaks one is ever built.
#
# What is looked at is the configuration as it is evaluated. A secret that a module reads with
# builtins.readFile and puts where none is looked for is not seen, nor is what programs do later.
{ config, lib, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  cfg = config.watchstander.constraints;
  inherit (config) services;
  firewall = config.networking.firewall;
  ssh = services.openssh;

  say = assertion: message: { inherit assertion message; };
  # Whether a text has something that fits; nixpkgs' hasInfix is not made for long texts.
  has = pattern: text: lib.length (builtins.split pattern text) > 1;
  words = text: lib.filter (w: lib.isString w && w != "") (builtins.split "[ \t\n,;]+" text);

  # Boot loaders other than GRUB, as far as this NixOS has them.
  loaders = lib.filter (n: n != "grub" && (config.boot.loader.${n}.enable or false) == true)
    [ "systemd-boot" "generic-extlinux-compatible" "limine" "refind" "external" "initScript" ];

  # Ports and who may reach them.
  inRanges = port: lib.any (r: r.from <= port && port <= r.to);
  opens = port: of: lib.elem port of.allowedTCPPorts || inRanges port of.allowedTCPPortRanges;
  interfaces = port: lib.filter (n: opens port firewall.interfaces.${n}) (lib.attrNames firewall.interfaces);
  mayEnter = { local = [ ]; vpn = cfg.vpnInterfaces; internal = cfg.internalInterfaces ++ cfg.vpnInterfaces; };
  besides = reach: lib.subtractLists ([ "lo" ] ++ mayEnter.${reach});
  quote = lib.concatStringsSep ", ";
  ruleText = (firewall.extraInputRules or "") + "\n" + (firewall.extraCommands or "");
  mentions = port: has "(^|[^0-9.:])${toString port}([^0-9.]|$)" ruleText;
  loopback = a: lib.elem a [ "localhost" "::1" "[::1]" ] || lib.hasPrefix "127." a;
  # What Podman publishes never meets the firewall.
  forwarded = port: lib.attrNames (lib.filterAttrs (_: c: lib.any (f: (f.hostPort or 0) == port) (c.forwardPorts or [ ])) (config.containers or { }));
  published = port: forwarded port ++ lib.attrNames (lib.filterAttrs
    (_: c: lib.any (p: has "(^|:)${toString port}:[0-9]+(/tcp)?$" p && !(lib.any (a: lib.hasPrefix a p) [ "127." "[::1]:" "localhost:" ])) c.ports)
    (config.virtualisation.oci-containers.containers or { }));

  portRules = name: rule:
    let
      port = rule.port;
      at = "The port ${toString port} (${name})";
    in
    if rule.reach == "limited" then [
      (say (!opens port firewall && interfaces port == [ ])
        "${at} may be reached at a limited rate alone: take it out of networking.firewall.allowedTCPPorts, set services.openssh.openFirewall = false, and let watchstander.ssh.rateLimit open it.")
    ] else [
      (say (!opens port firewall)
        "${at} is for ${rule.reach} callers alone: take it out of networking.firewall.allowedTCPPorts and allowedTCPPortRanges; networking.firewall.interfaces.NAME opens it where it may be reached.")
      (say (besides rule.reach (interfaces port) == [ ])
        "${at} is for ${rule.reach} callers alone, and networking.firewall.interfaces opens it on ${quote (besides rule.reach (interfaces port))}. watchstander.constraints says which interfaces are internal and which VPN.")
      (say (rule.reach == "local" || besides rule.reach firewall.trustedInterfaces == [ ])
        "${at} is for ${rule.reach} callers alone, and networking.firewall.trustedInterfaces lets everything in from ${quote (besides rule.reach firewall.trustedInterfaces)}.")
      (say (!mentions port)
        "${at} stands in networking.firewall.extraInputRules or extraCommands, which nobody checks: open it by networking.firewall.interfaces.NAME.allowedTCPPorts.")
    ] ++ [
      (say (published port == [ ])
        "${at} is published by the container ${quote (published port)}, past the firewall: bind it to 127.0.0.1.")
    ];

  # Where services listen that the table says are this host's alone. NixOS' own default is all addresses.
  listens = lib.concatLists [
    (lib.optional (services.prometheus.enable or false) { option = "services.prometheus.listenAddress"; port = services.prometheus.port; address = services.prometheus.listenAddress; })
    (lib.optional (services.step-ca.enable or false) { option = "services.step-ca.address"; inherit (services.step-ca) port address; })
    (lib.optionals postgres.enable (map (address: { option = "services.postgresql.settings.listen_addresses"; port = postgres.settings.port or 5432; inherit address; })
      (words (if postgres.enableTCPIP or false then "*" else postgres.settings.listen_addresses or "localhost"))))
    (lib.optional (services.prometheus.exporters.node.enable or false) { option = "services.prometheus.exporters.node.listenAddress"; inherit (services.prometheus.exporters.node) port; address = services.prometheus.exporters.node.listenAddress; })
  ];
  isLocal = port: lib.any (r: r.port == port && r.reach == "local") (lib.attrValues cfg.ports);
  postgres = services.postgresql or { enable = false; };
  # Its settings are only whole where it runs.
  grafana = if services.grafana.enable or false then builtins.removeAttrs services.grafana.settings [ "_module" ] else { };
  wide = postgres.enable && ((postgres.enableTCPIP or false) || lib.any (a: !loopback a) (words (postgres.settings.listen_addresses or "localhost")));
  database = lib.any (r: r.port == (postgres.settings.port or 5432) && r.reach != "limited") (lib.attrValues cfg.ports);

  # Secrets that can be told by their look.
  looks = [
    "-----BEGIN [A-Z ]*PRIVATE KEY-----"
    "AGE-SECRET-KEY-1"
    "AKIA[0-9A-Z]{16}"
    "K00[0-9][A-Za-z0-9/+]{27}" # B2
    "xox[abeoprs]-[0-9A-Za-z-]{10}"
    "xapp-[0-9]-[0-9A-Za-z-]{10}"
    "gh[pousr]_[0-9A-Za-z]{30}"
    "glpat-[0-9A-Za-z_-]{20}"
    "syt_[0-9A-Za-z]+_[0-9A-Za-z]{10}" # Matrix
    "://[^/@: \t\n\"?#]*:[^/@: \t\n\"$]+@" # a password in an address
  ];
  secret = text: lib.any (pattern: has pattern text) looks;
  upper = lib.replaceStrings (lib.stringToCharacters "abcdefghijklmnopqrstuvwxyz-") (lib.stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
  isSecretName = n: has "(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY)$" n;
  # What stands there is the secret itself: no path, no credential's (%d/…), no switch.
  itself = v: v != "" && builtins.match "[/%].*|true|false|yes|no|[01]" v == null;
  isPlain = n: v: isSecretName (upper n) && itself v;
  plainEnv = env: lib.filter (n: isPlain n (toString env.${n})) (lib.attrNames (lib.filterAttrs (_: v: v != null) env));
  # The same in systemd's own words: NAME=value, several in a line, in quotes or not.
  plainWords = u: lib.filter (w: let m = builtins.match "([A-Za-z0-9_]+)=(.*)" w; in m != null && isPlain (lib.head m) (lib.elemAt m 1))
    (lib.concatMap (line: lib.filter lib.isString (builtins.split "[ \t\n\"']+" line)) (strings (u.serviceConfig.Environment or [ ])));
  # A value of a settings file, where names tell what is one.
  settingsSecrets = path: v:
    if lib.isAttrs v && !(v ? outPath) then lib.concatLists (lib.mapAttrsToList (n: settingsSecrets (path ++ [ n ])) v)
    else if lib.isString v && v != "" && has "(password|secret_key|client_secret|token)$" (lib.last path) && !lib.hasPrefix "$__" v && !lib.hasPrefix "/" v then [ (lib.concatStringsSep "." path) ]
    else [ ];

  units = config.systemd.services;
  strings = v: if lib.isList v then lib.concatMap strings v else lib.optional (lib.isString v) v;
  execs = u: lib.concatStringsSep "\n" (lib.concatMap strings (lib.attrValues (lib.filterAttrs (n: _: lib.hasPrefix "Exec" n) u.serviceConfig)));
  scripts = u: lib.concatStringsSep "\n" (map (n: u.${n} or "") [ "script" "preStart" "postStart" "preStop" "postStop" "reload" ] ++ [ (execs u) ]);
  environments = u: lib.concatStringsSep "\n" (lib.mapAttrsToList (n: v: "${n}=${toString v}") u.environment ++ strings (u.serviceConfig.Environment or [ ]));
  named = fits: set: lib.attrNames (lib.filterAttrs fits set);
  # Its key, its files, or age itself, which needs no sops.
  opensAge = text: has "(^|[^A-Za-z0-9_.-])r?age[\" ]+([^\n]* )?(-d|--decrypt)( |\"|$|\n)" text || has "(age|sops)[^ \n]*/keys?\\.txt" text;
  # Generations removed by their age, or down to fewer than three.
  dropsGenerations = text: has "nix-collect-garbage[^\n]* (-d|--delete-old|--delete-older-than)([ =\"']|$|\n)" text
    || has "profile +wipe-history" text || has "--delete-generations +(old|[0-9]+d|\\+[012]([^0-9]|$))" text;
  # What a unit is given as a credential in its own text.
  setCredentials = u: lib.filter (w: let m = builtins.match "([A-Za-z0-9_.-]+):(.*)" w; in secret w || m != null && lib.elemAt m 1 != "" && isSecretName (upper (lib.head m)))
    (strings (u.serviceConfig.SetCredential or [ ]));
  opensSops = has "(^|[^A-Za-z0-9_.-])sops[\" ]+([^\n]* )?(-d|--decrypt|decrypt|exec-env|exec-file|edit)( |\"|$|\n)";

  locked = v: v == null || lib.any (p: lib.hasPrefix p v) [ "!" "*" ];
  told = kind: who: say (who == [ ]) "A secret would lie in the store, where everybody may read it: ${kind} ${quote who}. Give its file's path instead (sops-nix, LoadCredential, …File options).";

  oldTLS = text: has "(^|[^A-Za-z0-9.])(SSLv[23]|TLSv1(\\.[01])?)([^0-9.]|$)" text;
  keep = toString cfg.generations;
in
{
  options.watchstander.constraints = {
    enable = mkEnableOption "the bounds of the host, which no configuration may leave";
    stateVersion = mkOption {
      type = types.nullOr (types.strMatching "[0-9]{2}\\.(05|11)");
      default = null;
      example = "25.05";
      description = "What system.stateVersion must stay, for good: a newer one changes where services look for their data.";
    };
    generations = mkOption {
      type = types.addCheck types.ints.positive (n: n >= 3);
      default = 3;
      description = "How many generations are kept at least, whatever the garbage collector is told.";
    };
    ports = mkOption {
      type = types.attrsOf (types.submodule {
        options = {
          port = mkOption { type = types.port; description = "The TCP port."; };
          reach = mkOption {
            type = types.enum [ "local" "vpn" "internal" "limited" ];
            description = "Who may reach it: this host alone, the VPN too, internal networks too, or everybody at a limited rate.";
          };
        };
      });
      default = { };
      example = { prometheus = { port = 9090; reach = "local"; }; };
      description = "Ports, and who may reach them: held against the firewall, containers' published ports, and where services listen.";
    };
    vpnInterfaces = mkOption { type = types.listOf types.nonEmptyStr; default = [ ]; example = [ "wg0" ]; description = "Interfaces of the VPN."; };
    internalInterfaces = mkOption { type = types.listOf types.nonEmptyStr; default = [ ]; example = [ "enp4s0" "podman0" ]; description = "Interfaces of internal networks, beside the VPN's."; };
  };

  config = mkIf cfg.enable {
    assertions = [
      (say config.boot.loader.grub.enable "boot.loader.grub.enable must be true: this host boots by GRUB, and by nothing else.")
      (say (loaders == [ ]) "boot.loader.${quote loaders} must be off: this host boots by GRUB, and by nothing else.")
      (say (cfg.stateVersion == null || config.system.stateVersion == cfg.stateVersion)
        "system.stateVersion is ${config.system.stateVersion}, and watchstander.constraints.stateVersion says ${toString cfg.stateVersion}. It stays as the host was installed; it is no version to upgrade.")

      # Generations.
      (say (config.boot.loader.grub.configurationLimit >= cfg.generations)
        "boot.loader.grub.configurationLimit is below ${keep}: the menu must have at least ${keep} generations to boot.")
      (say (!(has "(^|[ \"'])(-d|--delete-old|--delete-older-than)([ =\"']|$)" (toString config.nix.gc.options)))
        "nix.gc.options deletes generations by age, which can leave a single one. Take that out, and enable watchstander.generations, which keeps ${keep} or more.")
      (let who = named (_: u: dropsGenerations (scripts u)) units; in
        say (who == [ ]) "The unit ${quote who} deletes generations by age, or down to fewer than three: watchstander.generations does that by number.")
      (say (!(config.programs.nh.clean.enable or false)) "programs.nh.clean.enable deletes generations by its own rule: enable watchstander.generations instead.")

      # People and keys.
      (say (ssh.enable -> ssh.settings.PasswordAuthentication == false && ssh.settings.KbdInteractiveAuthentication == false)
        "services.openssh.settings.PasswordAuthentication and KbdInteractiveAuthentication must be false: keys only.")
      (say (ssh.enable -> ssh.settings.PermitRootLogin == "no") "services.openssh.settings.PermitRootLogin must be \"no\": root never logs in over SSH.")
      (say (!(has "(passwordauthentication|kbdinteractiveauthentication|challengeresponseauthentication|permitemptypasswords|permitrootlogin)[ =\t]+\"?(yes|prohibit-password|without-password|forced-commands-only)" (lib.toLower ssh.extraConfig)))
        "services.openssh.extraConfig allows passwords or root: keys only, and never root, in no Match block either.")

      # Containers, and reboots.
      (say (!(config.virtualisation.docker.rootless.enable or false)) "virtualisation.docker.rootless.enable must be false: containers are Podman's.")
      (say (!(config.virtualisation.docker.enable or false)) "virtualisation.docker.enable must be false: containers are Podman's.")
      (say ((config.virtualisation.oci-containers.backend or "podman") == "podman") "virtualisation.oci-containers.backend must be \"podman\".")
      (say (!(config.system.autoUpgrade.allowReboot or false)) "system.autoUpgrade.allowReboot must be false: GRUB cannot undo an unattended boot that hangs. People reboot.")

      # TLS 1.2 and newer.
      (say (!((services.nginx.enable or false) && oldTLS "${services.nginx.sslProtocols} ${services.nginx.commonHttpConfig or ""} ${services.nginx.appendHttpConfig or ""} ${lib.concatMapStringsSep " " (v: v.extraConfig or "") (lib.attrValues (services.nginx.virtualHosts or { }))}"))
        "services.nginx.sslProtocols (or its http configuration, or that of a virtual host) has a protocol before TLS 1.2.")
      (say (!(postgres.enable && lib.elem (postgres.settings.ssl_min_protocol_version or "TLSv1.2") [ "" "TLSv1" "TLSv1.1" ]))
        "services.postgresql.settings.ssl_min_protocol_version must be \"TLSv1.2\" or \"TLSv1.3\".")
      (say (!(wide && !lib.elem (postgres.settings.ssl or false) [ true "on" ]))
        "services.postgresql listens on the network (enableTCPIP or settings.listen_addresses) without settings.ssl.")
      (say (!((services.step-ca.enable or false) && has "^1(\\.[01]0*)?$" (toString (services.step-ca.settings.tls.minVersion or "1.2"))))
        "services.step-ca.settings.tls.minVersion must be 1.2 or 1.3.")
      (say (lib.elem (grafana.server.min_tls_version or "") [ "" "TLS1.2" "TLS1.3" ])
        "services.grafana.settings.server.min_tls_version must be TLS1.2 or TLS1.3.")

      # Ports.
      (say (cfg.ports == { } || firewall.enable) "networking.firewall.enable must be true: watchstander.constraints.ports says who may reach what.")
      (say (!(cfg.ports != { } && (services.prometheus.exporters.node.enable or false) && (services.prometheus.exporters.node.openFirewall or false)))
        "services.prometheus.exporters.node.openFirewall must be false.")
      (say (!(postgres.enable && database && lib.any (line: !has "(127\\.0\\.0\\.1|::1/128)" line && has "^[ \t]*host[a-z]*[ \t].*[ \t](trust|password)[ \t]*$" line) (lib.splitString "\n" (postgres.authentication or ""))))
        "services.postgresql.authentication lets callers over the network in by trust or by passwords in the clear: use cert or scram-sha-256, with hostssl.")
    ]
    ++ lib.concatLists (lib.mapAttrsToList portRules cfg.ports)
    ++ map (l: say (!isLocal l.port || loopback l.address) "${l.option} is \"${l.address}\", and the port ${toString l.port} is for this host alone: set it to \"127.0.0.1\".") listens

    # Secrets.
    ++ [
      (told "the password (users.users.NAME.password, initialPassword, hashedPassword, initialHashedPassword, or hashedPasswordFile of the configuration's own) of"
        (named (_: u: (u.password or null) != null || (u.initialPassword or null) != null || !locked (u.hashedPassword or null) || !locked (u.initialHashedPassword or null)
          || lib.hasPrefix "${builtins.storeDir}/" (toString (u.hashedPasswordFile or ""))) config.users.users))
      (told "the environment (systemd.services.NAME.environment) of"
        (named (_: u: plainEnv u.environment != [ ] || plainWords u != [ ] || secret (environments u)) units))
      (told "the key (privateKey, presharedKey) of the WireGuard interface"
        (named (_: w: let keys = [ (w.privateKey or null) ] ++ map (p: p.presharedKey or null) (w.peers or [ ]); in lib.any (k: k != null && k != "") keys)
          ((config.networking.wireguard.interfaces or { }) // (config.networking.wg-quick.interfaces or { }))))
      (told "a credential (systemd.services.NAME.serviceConfig.SetCredential) of" (named (_: u: setCredentials u != [ ]) units))
      (told "a script or command (systemd.services.NAME) of" (named (_: u: secret (scripts u)) units))
      (told "a file of /etc (environment.etc.NAME.text):" (named (_: f: f.text != null && secret f.text) config.environment.etc))
      (told "the environment (virtualisation.oci-containers.containers.NAME.environment) of"
        (named (_: c: plainEnv c.environment != [ ] || secret (builtins.toJSON c.environment)) (config.virtualisation.oci-containers.containers or { })))
      (told "services.grafana.settings." (settingsSecrets [ ] grafana))
      (told "the settings of" (named (_: v: secret (builtins.toJSON v)) {
        "services.watchstander" = services.watchstander.settings or { };
        "services.watchstander.agent" = services.watchstander.agent.settings or { };
        "services.prometheus.alertmanager" = services.prometheus.alertmanager.configuration or null;
        "services.grafana" = grafana;
      }))
      (let who = named (_: u: opensSops (scripts u) || opensAge (scripts u)) units; in
        say (who == [ ]) "The unit ${quote who} opens the secrets with sops or age. Only sops-nix does that, when the system is activated; nothing else reads them.")
    ];
  };
}
