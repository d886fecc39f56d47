/* SPDX-License-Identifier: MIT */
/*
 * What programs ask of \Device\FtControl (\DosDevices\FtControl).  All codes are METHOD_BUFFERED.
 *
 *     IOCTL_FT_CREATE_SET   in: struct ft_create with as many members as it says   out: volume,
 * ULONG IOCTL_FT_DELETE_SET   in: volume, ULONG IOCTL_FT_QUERY_SET    in: volume, ULONG out:
 * ft_set_status IOCTL_FT_RESYNC       in: struct ft_resync
 *
 * Volume N is the device \Device\FtDiskN, with the link \DosDevices\FtDiskN.  Numbers of deleted
 * sets are used again, the lowest first.
 */
#ifndef FTIOCTL_H
#define FTIOCTL_H

#define FT_DEVICE_TYPE 0x8046u
#define FT_CODE(function, access)                                                                  \
    ((ULONG)(FT_DEVICE_TYPE << 16 | (access) << 14 | (function) << 2 | METHOD_BUFFERED))

#define IOCTL_FT_CREATE_SET FT_CODE(0x800u, FILE_WRITE_ACCESS) /* 0x8046a000 */
#define IOCTL_FT_DELETE_SET FT_CODE(0x801u, FILE_WRITE_ACCESS) /* 0x8046a004 */
#define IOCTL_FT_QUERY_SET  FT_CODE(0x802u, FILE_ANY_ACCESS)   /* 0x80462008 */
#define IOCTL_FT_RESYNC     FT_CODE(0x803u, FILE_WRITE_ACCESS) /* 0x8046a00c */

#define FT_MEMBERS_MAX 8u

enum ft_set_kind {
    FT_MIRROR,     /* every member has everything */
    FT_STRIPE,     /* chunk after chunk on the next member */
    FT_VOLUME_SET, /* one member after the other */
    FT_KINDS
};

/* Part of a disk, in bytes; multiples of the sector.  Length 0: to the end of the disk. */
struct ft_extent {
    ULONG Disk; /* N of \Device\HarddiskN */
    ULONG Reserved;
    ULONG64 Offset;
    ULONG64 Length;
};

/* The members of a mirror are the same already; without it all are made like the first. */
#define FT_CREATE_IN_SYNC 1u

struct ft_create {
    ULONG Kind;
    ULONG ChunkBytes; /* stripes; 0: 64 KiB */
    ULONG Flags;
    ULONG Members;
    struct ft_extent Member[FT_MEMBERS_MAX];
};

struct ft_resync {
    ULONG Volume;
    ULONG Member; /* index in the set; a stale member is brought up to date in the background */
};

enum ft_member_state {
    FT_MEMBER_ACTIVE,
    FT_MEMBER_STALE,     /* failed: neither read nor written, what it misses is noted */
    FT_MEMBER_RECOVERING /* gets what it missed, and what is written where nothing is missing */
};

struct ft_member_status {
    ULONG Disk;
    ULONG State;
    ULONG Errors;       /* requests of this member that failed */
    ULONG DirtyRegions; /* that it misses */
};

struct ft_set_status {
    ULONG Kind;
    ULONG ChunkBytes;
    ULONG RegionBytes; /* mirrors; 0 for other kinds */
    ULONG Members;
    ULONG64 Bytes;
    struct ft_member_status Member[FT_MEMBERS_MAX];
};

#endif
