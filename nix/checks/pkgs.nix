# Packages and formats as the modules use them, without a store: a package is its name and a
# path, a generated file the value that it was made of.
{ lib }:
let
  at = name: "${builtins.storeDir}/${lib.concatStrings (lib.genList (_: "0") 32)}-${name}";
  package = name: { inherit name; pname = name; outPath = at name; meta.mainProgram = name; type = "derivation"; };
  # What can stand in such a file, as nixpkgs has it: lists that are given twice are one.
  value = with lib.types; nullOr (oneOf [ bool int float str path (attrsOf value) (listOf value) ])
    // { name = "a value"; description = "a value"; };
  json = { }: {
    type = value;
    generate = name: value: { inherit name value; outPath = at name; type = "derivation"; text = builtins.toJSON value; };
  };
in
{
  # The real expression, with functions of ours around it.
  watchstander = package "watchstander" // lib.filterAttrs (n: _: lib.elem n [ "version" "schema" "vendorHash" ]) (import ../package.nix {
    inherit lib;
    buildGoModule = args: args // args.passthru;
  });
  # What the modules name of nixpkgs.
} // lib.genAttrs [
  "audit" "coreutils" "curl" "findutils" "gawk" "git" "gnugrep" "gnused" "gnutar" "graphviz" "gzip" "iproute2" "jq" "nix"
  "openssh" "openssl" "podman" "postgresql" "postgresql_16" "procps" "restic" "step-ca" "systemd" "trivy" "util-linux"
  "vulnix"
] package // {
  # What people type on the host.
  lsof = package "lsof";
  prometheus = package "prometheus" // { cli = package "promtool"; };
  prometheus-alertmanager = package "prometheus-alertmanager";
  skopeo = package "skopeo";
  smartmontools = package "smartmontools";
  formats = { yaml = json; json = json; };
  # A script with its programs in PATH, which nixpkgs has shellcheck read when it is built.
  writeShellApplication = { name, text, runtimeInputs ? [ ], ... }: package name // { inherit text runtimeInputs; };
  writeText = name: text: { inherit name text; outPath = at name; type = "derivation"; };
}
