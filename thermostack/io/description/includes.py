"""Expansion of `use: hbm3_8h` into the stack of a template, a shipped package or another file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.instances import MAX_STACKS, host_names, rename_hosts, stack_group
from thermostack.io.description.source_locations import diagnostic_in, resolve_file
from thermostack.io.description.yaml_nodes import Mark, Node, read_yaml, to_plain
from thermostack.schema.spelling import suggest

Link = tuple[str, str, str]  # file, section, stack


class IncludeResolver:
    """Expander of `use: name` into the stack of that name and all stacks on it."""

    def __init__(
        self,
        directory: Path,
        shipped: Mapping[str, Path],
        *,
        may_leave: bool,
        parsed: dict[Path, Node] | None = None,
    ) -> None:
        """Store where files lie; `parsed` has the trees of files that were read, and receives others."""
        self.parsed = {} if parsed is None else parsed
        self.directory = directory  # of the files that overrides refer to
        self.shipped = shipped
        self.may_leave = may_leave
        self.diagnostics: list[Diagnostic] = []
        self.included_stacks = 0  # number so far
        self.documents: dict[Path, Node | None] = {}
        self.materials: dict[str, tuple[Node, Mark]] = {}

    def expand(self, document: Node) -> Node:
        """Return a description without `use` and `templates`; errors are added to `diagnostics`."""
        stacks, templates = document.get("stacks"), document.get("templates")
        if templates is not None and not templates.is_mapping:
            self.diagnostics.append(
                diagnostic_in(templates, "is not a mapping of names", "write `name: {...}`", "E-TYPE")
            )
        if stacks is None or not stacks.is_mapping:
            return document.without("templates")
        made: dict[str, Node] = {}
        for name, stack in stacks.items():
            made |= self.resolve(name, stack, document, ((document.mark.file, "stacks", name),))
        keys = {name: stacks.key_mark(name.split(".")[0]) for name in made}
        items = {key: item for key, item in document.items() if key != "templates"}
        items["stacks"] = stacks.with_items(made, keys)
        return self.add_materials(document.with_items(items), document)

    def add_materials(self, made: Node, document: Node) -> Node:
        """Return a description with the materials of the included descriptions."""
        own = document.get("materials")
        if not self.materials or (own is not None and not own.is_mapping):
            return made
        items = dict(own.items()) if own is not None else {}
        marks = {}
        for name, (node, mark) in self.materials.items():
            if name in items and to_plain(items[name]) != to_plain(node):
                assert own is not None
                text = f"{name!r} is a different material in {node.mark.file}, from which a stack is used"
                self.diagnostics.append(
                    diagnostic_in(own, text, "give yours another name", "E-DUPLICATE", name)
                )
            items.setdefault(name, node)
            marks[name] = mark
        base = own if own is not None else Node({}, document.mark, ("materials",))
        return made.with_items({**made.value, "materials": base.with_items(items, {**marks, **base.keys})})

    def resolve(self, name: str, stack: Node, document: Node, chain: tuple[Link, ...]) -> dict[str, Node]:
        """Return {name: stack} of a stack and, if it uses another, of the stacks on that one."""
        use = stack.get("use")
        if use is None:
            return {name: stack}
        found = self.find(use, document)
        if found is None:
            return {}
        other, link = found
        if link in chain:
            cycle = " uses ".join(_link_text(each) for each in (*chain[chain.index(link) :], link))
            self.diagnostics.append(diagnostic_in(use, f"uses itself: {cycle}", "", "E-CYCLE"))
            return {}
        _, section, root = link
        listed = dict(other.value[section].items())
        members: dict[str, Node] = {}
        for member in stack_group(listed, root):
            members |= self.resolve(member, listed[member], other, (*chain, link))
        if section == "stacks":  # of another description; a template has no links
            self.refuse_joints(use, other, members)
        self.included_stacks += len(members)
        if self.included_stacks > MAX_STACKS:
            text = f"more than {MAX_STACKS} stacks are included"
            raise DescriptionError(diagnostic_in(use, text, "", "E-RANGE"))
        names = {
            member: name if member == root else f"{name}.{member.removeprefix(f'{root}.')}"
            for member in members
        }
        made = {}
        for member, node in members.items():
            own = rename_hosts(node, lambda host: [names.get(host, host)])
            made[names[member]] = _merge_fields(own, stack) if member == root else own
        return made

    def refuse_joints(self, use: Node, document: Node, members: Mapping[str, Node]) -> None:
        """Add a diagnostic for each link and contact of a description between stacks used without it."""
        links, contacts = document.get("links"), document.get("contacts")
        joints = [
            (f"the link {name}", "links", [_end_part(link.get(key)) for key in ("from", "to")])
            for name, link in (links.items() if links is not None and links.is_mapping else ())
        ]
        for contact in contacts.value if contacts is not None and contacts.is_list else ():
            between = contact.get("between") if contact.is_mapping else None
            if between is not None and between.is_list:
                parts = [str(part.value) for part in between.value]
                joints.append((f"the contact of {' and '.join(parts)}", "contacts", parts))
        for joint, section, parts in joints:
            if all(any(f"{part}.".startswith(f"{member}.") for member in members) for part in parts):
                text = f"{joint} of {document.mark.file} joins stacks that are used here"
                hint = f"remove it there and describe it under `{section}` here; `use` takes stacks alone"
                code = "E-LINK" if section == "links" else "E-CONTACT"
                self.diagnostics.append(diagnostic_in(use, text, hint, code))

    def find(self, use: Node, document: Node) -> tuple[Node, Link] | None:
        """Return the description and the section of a used stack, or None and a diagnostic."""
        name = use.value
        if not isinstance(name, str):
            text = f"{name!r} is not the name of a template, a package or a file"
            self.diagnostics.append(diagnostic_in(use, text, "", "E-TYPE"))
            return None
        templates = document.get("templates")
        if templates is not None and templates.get(name) is not None:
            return document, (document.mark.file, "templates", name)
        if name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name:
            path = self.local_file(use)
        else:
            path = self.shipped.get(name)
            if path is None:
                known = [*(key for key, _ in (templates.items() if templates else ())), *self.shipped]
                text = f"no template, shipped package or file is named {name!r}"
                self.diagnostics.append(diagnostic_in(use, text, suggest(name, known), "E-NAME"))
        other = self.load(path, use) if path is not None else None
        if other is None:
            return None
        root = self.root_stack(other, use)
        return (other, (other.mark.file, "stacks", root)) if root is not None else None

    def local_file(self, use: Node) -> Path | None:
        """Return the path that a node refers to, or None and a diagnostic if it is not permitted."""
        try:
            return resolve_file(use, self.directory, may_leave=self.may_leave)
        except DescriptionError as error:
            self.diagnostics += error.diagnostics
            return None

    def load(self, path: Path, use: Node) -> Node | None:
        """Return the description of a file, or None and its diagnostics if it cannot be read."""
        if path not in self.documents:
            try:
                if path not in self.parsed:
                    self.parsed[path] = read_yaml(path)
                self.documents[path] = self.parsed[path]
            except DescriptionError as error:
                self.documents[path] = None
                self.diagnostics += error.diagnostics
        document = self.documents[path]
        materials = document.get("materials") if document is not None else None
        for name, material in materials.items() if materials is not None else ():
            first, _ = self.materials.setdefault(name, (material, materials.key_mark(name)))  # type: ignore[union-attr]
            if to_plain(first) != to_plain(material):
                text = f"{name!r} is defined differently in {material.mark.file} and in {first.mark.file}"
                self.diagnostics.append(diagnostic_in(use, text, "rename one of them", "E-DUPLICATE"))
        return document

    def root_stack(self, document: Node, use: Node) -> str | None:
        """Return the stack to take from a description: that of the package's name, else the root."""
        stacks, package = document.get("stacks"), document.get("package")
        listed = dict(stacks.items()) if stacks is not None else {}
        if package is not None and package.value in listed:
            return str(package.value)
        roots = [name for name, stack in listed.items() if not host_names(stack)]
        if len(roots) == 1:
            return roots[0]
        text = f"expected one stack without a host in {document.mark.file}, got {len(roots)}"
        self.diagnostics.append(
            diagnostic_in(use, text, "give its package the name of the stack to use", "E-NAME")
        )
        return None


def _end_part(end: Node | None) -> str:
    """Return the part of an end of a link of a description, "" where there is none."""
    part = end.get("part") if end is not None and end.is_mapping else end
    return str(part.value) if part is not None else ""


def _link_text(link: Link) -> str:
    file, section, name = link
    return f"{name} ({Path(file).name})" if section == "stacks" else f"template {name}"


def _merge_fields(used: Node, given: Node) -> Node:
    """Return an included stack with the fields that are given beside `use`."""
    excluded = {"use"}
    if given.get("at") or given.get("center") or given.get("copies"):
        excluded |= {"at", "center", "relative_to"}
    if given.get("on") or given.get("inside"):
        excluded |= {"on", "inside"}
    items = {key: item for key, item in used.items() if key not in excluded}
    items |= {key: item for key, item in given.items() if key != "use"}
    return replace(used.with_items(items, given.keys), mark=given.mark, path=given.path)
