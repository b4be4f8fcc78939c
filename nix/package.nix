# The program: one static binary, for the bot, its agent and the tools beside them.
{ lib, buildGoModule, version ? "unstable" }:

let
  # The newest state that this bot reads: the number of its last migration (docs/host-mark.md).
  schema = lib.foldl' lib.max 0 (map (name: lib.toIntBase10 (lib.head (lib.splitString "_" name)))
    (lib.attrNames (builtins.readDir ../bot/store/migrations/sqlite)));
in
buildGoModule {
  pname = "watchstander";
  inherit version;

  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.difference ../. (lib.fileset.unions [ ../nix (lib.fileset.maybeMissing ../flake.nix) (lib.fileset.maybeMissing ../flake.lock) ]);
  };

  # Of what `go mod vendor` writes: `nix-hash --type sha256 --sri vendor`.
  vendorHash = "sha256-VnqOIHOtfmACrUl5qyxn+q+819IUzrnRODTARm5Ga+w=";

  # Nothing else is a program of this module: what lies in tools/ belongs to modules of its own,
  # which cannot be built from here.
  subPackages = [ "." ];

  env.CGO_ENABLED = "0";
  ldflags = [ "-s" "-w" "-X main.release=${version}" ];

  # The tests want real servers, which they build or download themselves.
  doCheck = false;

  passthru = { inherit schema; };

  meta = {
    description = "ChatOps bot for NixOS hosts: truthful alert threads, gated operations, checklists with evidence";
    mainProgram = "watchstander";
    platforms = lib.platforms.linux;
  };
}
