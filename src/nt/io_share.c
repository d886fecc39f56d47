/* SPDX-License-Identifier: MIT */
/* Share access: who has a file open how, and whether one more may. */
#include "nt/io.h"

#define FILE_EXECUTE     0x0020u
#define FILE_APPEND_DATA 0x0004u
#define DELETE_ACCESS    0x00010000u

#define STATUS_SHARING_VIOLATION NT_STATUS(0xC0000043)

static void note_access(struct file_object *file, uint32_t access, uint32_t share)
{
    file->ReadAccess = (access & (FILE_EXECUTE | FILE_READ_DATA)) != 0;
    file->WriteAccess = (access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0;
    file->DeleteAccess = (access & DELETE_ACCESS) != 0;
    file->SharedRead = (share & FILE_SHARE_READ) != 0;
    file->SharedWrite = (share & FILE_SHARE_WRITE) != 0;
    file->SharedDelete = (share & FILE_SHARE_DELETE) != 0;
}

/* Files that neither read, write nor delete count for nothing. */
static bool counts(const struct file_object *file)
{
    return file->ReadAccess || file->WriteAccess || file->DeleteAccess;
}

static void count(const struct file_object *file, struct share_access *share, uint32_t by)
{
    if (!counts(file)) {
        return;
    }
    share->OpenCount += by;
    share->Readers += file->ReadAccess ? by : 0;
    share->Writers += file->WriteAccess ? by : 0;
    share->Deleters += file->DeleteAccess ? by : 0;
    share->SharedRead += file->SharedRead ? by : 0;
    share->SharedWrite += file->SharedWrite ? by : 0;
    share->SharedDelete += file->SharedDelete ? by : 0;
}

static void touch(struct file_object *file, struct share_access *share)
{
    machine_touch((uint64_t)file, sizeof *file, PAGER_WRITE);
    machine_touch((uint64_t)share, sizeof *share, PAGER_WRITE);
}

static bool conflicts(const struct file_object *file, const struct share_access *s)
{
    return (file->ReadAccess && s->SharedRead < s->OpenCount) ||
           (file->WriteAccess && s->SharedWrite < s->OpenCount) ||
           (file->DeleteAccess && s->SharedDelete < s->OpenCount) ||
           (s->Readers != 0 && !file->SharedRead) || (s->Writers != 0 && !file->SharedWrite) ||
           (s->Deleters != 0 && !file->SharedDelete);
}

static ntstatus IoCheckShareAccess(uint32_t access, uint32_t desired, struct file_object *file,
                                   struct share_access *share, uint8_t update)
{
    touch(file, share);
    note_access(file, access, desired);
    if (counts(file) && conflicts(file, share)) {
        return STATUS_SHARING_VIOLATION;
    }
    if (update) {
        count(file, share, 1);
    }
    return STATUS_SUCCESS;
}

static void IoSetShareAccess(uint32_t access, uint32_t desired, struct file_object *file,
                             struct share_access *share)
{
    touch(file, share);
    note_access(file, access, desired);
    *share = (struct share_access){0};
    count(file, share, 1);
}

static void IoUpdateShareAccess(struct file_object *file, struct share_access *share)
{
    touch(file, share);
    count(file, share, 1);
}

static void IoRemoveShareAccess(struct file_object *file, struct share_access *share)
{
    touch(file, share);
    count(file, share, UINT32_MAX); /* -1 */
}

NT_CALL5(IoCheckShareAccess, uint32_t, uint32_t, struct file_object *, struct share_access *,
         uint8_t)
NT_VOID4(IoSetShareAccess, uint32_t, uint32_t, struct file_object *, struct share_access *)
NT_VOID2(IoUpdateShareAccess, struct file_object *, struct share_access *)
NT_VOID2(IoRemoveShareAccess, struct file_object *, struct share_access *)
