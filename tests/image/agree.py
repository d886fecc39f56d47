#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compare what the image room says of images with pefile and llvm-readobj.

usage: agree.py DUMP READOBJ SCRATCH FOLDER_OR_FILE...

DUMP prints our view as JSON; every image is also read by the other two, each view is brought into one
form, and any difference is printed.  All .sys of a folder are taken, in the order of their names, and
two images that DUMP builds itself, with what linkers seldom make.
"""
import json
import os
import re
import subprocess
import sys
import uuid

import pefile

PAGE = 4096


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8",
                          errors="surrogateescape").stdout


def ours(dump, path):
    return json.loads(run(dump, path))


def pages(rva, size):
    return (rva + size + PAGE - 1) // PAGE - rva // PAGE


def mapped_raw(alignment, virtual_size, pointer, raw_size):
    """The part of the raw data that falls into the section's memory."""
    if pointer == 0:
        return 0
    size = virtual_size or raw_size
    return min(raw_size, (size + PAGE - 1) // PAGE * PAGE if alignment >= PAGE else size)


def section(name, rva, virtual_size, pointer, raw_size, flags, alignment):
    raw = mapped_raw(alignment, virtual_size, pointer, raw_size)
    return {"name": name, "rva": rva, "virtual_size": virtual_size or raw_size,
            "raw_offset": pointer if raw else 0, "raw_size": raw, "flags": flags,
            "pages": pages(rva, virtual_size or raw_size)}


def text(raw):
    return None if raw is None else raw.decode("latin-1")


def by_pefile(path):
    pe = pefile.PE(path)
    optional, base = pe.OPTIONAL_HEADER, pe.OPTIONAL_HEADER.ImageBase
    view = {
        "base": base,
        "size": (optional.SizeOfImage + PAGE - 1) // PAGE * PAGE,
        "headers": optional.SizeOfHeaders,
        "entry": optional.AddressOfEntryPoint,
        "timestamp": pe.FILE_HEADER.TimeDateStamp,
        "checksum": optional.CheckSum,
        "computed": pe.generate_checksum(),
        "ok": optional.CheckSum == 0 or pe.verify_checksum(),
        "subsystem": optional.Subsystem,
        "characteristics": pe.FILE_HEADER.Characteristics,
        "sections": [section(text(s.Name.rstrip(b"\0")), s.VirtualAddress, s.Misc_VirtualSize,
                             s.PointerToRawData, s.SizeOfRawData, s.Characteristics,
                             optional.SectionAlignment) for s in pe.sections],
        "imports": [[text(m.dll), text(i.name), 0 if i.name else i.ordinal, i.address - base]
                    for m in getattr(pe, "DIRECTORY_ENTRY_IMPORT", []) for i in m.imports],
        "exports": [],
        "relocations": [e.rva for b in getattr(pe, "DIRECTORY_ENTRY_BASERELOC", [])
                        for e in b.entries if e.type != 0],
        "functions": [[e.struct.BeginAddress, e.struct.EndAddress, e.struct.UnwindData]
                      for e in getattr(pe, "DIRECTORY_ENTRY_EXCEPTION", [])],
        "pdb": None,
    }
    if hasattr(pe, "DIRECTORY_ENTRY_EXPORT"):
        view["exports"] = [[text(s.name), s.ordinal, s.address, text(s.forwarder)]
                           for s in pe.DIRECTORY_ENTRY_EXPORT.symbols]
    config = getattr(pe, "DIRECTORY_ENTRY_LOAD_CONFIG", None)
    for key, field in (("cookie", "SecurityCookie"),
                       ("guard_check", "GuardCFCheckFunctionPointer"),
                       ("guard_dispatch", "GuardCFDispatchFunctionPointer")):
        value = getattr(config.struct, field, 0) if config else 0
        view[key] = (value or 0) - base if value else 0
    view["guard_flags"] = (getattr(config.struct, "GuardFlags", 0) or 0) if config else 0
    for entry in getattr(pe, "DIRECTORY_ENTRY_DEBUG", []):
        if entry.struct.Type == 2 and entry.entry is not None and view["pdb"] is None:
            at = entry.struct.PointerToRawData
            view["pdb"] = {"guid": pe.__data__[at + 4:at + 20].hex(), "age": entry.entry.Age,
                           "path": text(entry.entry.PdbFileName.rstrip(b"\0"))}
    return view


def field(block, name, default=None):
    found = re.search(r"^\s*%s: (.*)$" % re.escape(name), block, re.M)
    return found.group(1).strip() if found else default


def number(block, name, default="0"):
    """A value, bare or in the last parentheses of its line."""
    value = field(block, name, default)
    inside = re.findall(r"\((0x[0-9A-Fa-f]+|\d+)\)$", value)
    return int(inside[-1] if inside else value, 0)


def blocks(output, opening):
    """Texts of the blocks that a line `opening` starts, up to the line that closes them."""
    found = re.finditer(r"^( *)%s [\[{]\n(.*?)^\1[\]}]$" % opening, output, re.M | re.S)
    return [match.group(2) for match in found]


def llvm_section(block, alignment):
    raw = bytes.fromhex(re.search(r"\(([0-9A-F ]+)\)", field(block, "Name")).group(1))
    flags = int(re.search(r"Characteristics \[ \((0x[0-9A-Fa-f]+)\)", block).group(1), 0)
    return section(text(raw.rstrip(b"\0")), number(block, "VirtualAddress"),
                   number(block, "VirtualSize"), number(block, "PointerToRawData"),
                   number(block, "RawDataSize"), flags, alignment)


def llvm_imports(output):
    found = []
    for block in blocks(output, "Import"):
        module, slot = field(block, "Name"), number(block, "ImportAddressTableRVA")
        for symbol in re.findall(r"^  Symbol: (.*)$", block, re.M):
            name, hint = re.fullmatch(r"(.*) \((\d+)\)", symbol).groups()
            found.append([module, name or None, 0 if name else int(hint), slot])
            slot += 8
    return found


def llvm_functions(output, base):
    """Fragments take the handler of the function that their chain ends at, as ours do."""
    own, parents = {}, {}
    for block in blocks(output, "RuntimeFunction"):
        head, *chained = re.split(r"^ *Chained \{", block, maxsplit=1, flags=re.M)
        begin = number(head, "StartAddress") - base
        own[begin] = [begin, number(head, "EndAddress") - base,
                      number(head, "UnwindInfoAddress") - base,
                      number(head, "Handler") - base if field(head, "Handler") else 0]
        if chained:
            parents[begin] = number(chained[0], "StartAddress") - base
    found = []
    for begin, function in own.items():
        primary = begin
        while primary in parents:
            primary = parents[primary]
        found.append(function[:3] + [own[primary][3], primary])
    return found


def by_llvm(readobj, path):
    output = run(readobj, "--file-headers", "--sections", "--coff-imports", "--coff-exports",
                 "--coff-basereloc", "--coff-load-config", "--coff-debug-directory", "--unwind",
                 path)
    base, alignment = number(output, "ImageBase"), number(output, "SectionAlignment")
    config = (blocks(output, "LoadConfig") or [""])[0]
    view = {
        "base": base,
        "size": (number(output, "SizeOfImage") + PAGE - 1) // PAGE * PAGE,
        "headers": number(output, "SizeOfHeaders"),
        "entry": number(output, "AddressOfEntryPoint"),
        "checksum": number(output, "CheckSum"),
        "subsystem": number(output, "Subsystem"),
        "sections": [llvm_section(b, alignment) for b in blocks(output, "Section")],
        "imports": llvm_imports(output),
        "exports": {(number(b, "Ordinal"), field(b, "Name", ""), number(b, "RVA"),
                     field(b, "ForwardedTo")) for b in blocks(output, "Export")},
        "relocations": [number(b, "Address") for table in blocks(output, "BaseReloc")
                        for b in blocks(table, "Entry") if field(b, "Type") != "ABSOLUTE"],
        "functions": llvm_functions(output, base),
        "pdb": None,
    }
    for key, name in (("cookie", "SecurityCookie"), ("guard_check", "GuardCFCheckFunction"),
                      ("guard_dispatch", "GuardCFCheckDispatch")):
        value = number(config, name)
        view[key] = value - base if value else 0
    for block in blocks(output, "PDBInfo"):
        if field(block, "PDBGUID") is not None:  # lld leaves an empty record in some images
            view["pdb"] = {"guid": uuid.UUID(field(block, "PDBGUID")).bytes_le.hex(),
                           "age": number(block, "PDBAge"), "path": field(block, "PDBFileName")}
            break
    return view


def llvm_exports(view):
    """Our exports as llvm-readobj tells them: one name for each ordinal, empty slots too."""
    names = {}
    for name, ordinal, rva, forwarder in view["exports"]:
        names.setdefault((ordinal, 0 if forwarder else rva, forwarder), set()).add(name or "")
    return names


def compare(path, what, mine, theirs, keys):
    differences = 0
    for key in keys:
        if mine[key] != theirs[key]:
            differences += 1
            print(f"{path}: {key}: ours {mine[key]!r}, {what} {theirs[key]!r}")
    return differences


def compare_llvm(path, mine, theirs):
    keys = ["base", "size", "headers", "entry", "checksum", "subsystem", "sections", "imports",
            "relocations", "functions", "cookie", "guard_check", "guard_dispatch", "pdb"]
    differences = compare(path, "llvm-readobj", mine, theirs, keys)
    names = llvm_exports(mine)
    told = {(o, r, f): n for o, n, r, f in theirs["exports"] if r or f}
    if set(names) != set(told) or any(told[k] not in names[k] for k in told):
        differences += 1
        print(f"{path}: exports: ours {names!r}, llvm-readobj {told!r}")
    return differences


def compare_pefile(path, mine, theirs):
    plain = dict(mine, functions=[f[:3] for f in mine["functions"]])
    return compare(path, "pefile", plain, theirs, sorted(theirs))


def images(arguments):
    for argument in arguments:
        if not os.path.isdir(argument):
            yield argument
            continue
        names = sorted(n for n in os.listdir(argument) if n.endswith(".sys"))
        if not names:
            sys.exit(f"{argument}: no .sys in it")
        for name in names:
            yield os.path.join(argument, name)


def main():
    dump, readobj, scratch = sys.argv[1:4]
    os.makedirs(scratch, exist_ok=True)
    built = [os.path.join(scratch, "built.sys"), os.path.join(scratch, "flat.sys")]
    run(dump, "--build", built[0])
    run(dump, "--build-flat", built[1])
    count = differences = 0
    for path in built + list(images(sys.argv[4:])):
        mine = ours(dump, path)
        differences += compare_pefile(path, mine, by_pefile(path))
        differences += compare_llvm(path, mine, by_llvm(readobj, path))
        count += 1
    print(f"{count} images, {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
