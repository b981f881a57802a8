#include <stdint.h>
typedef struct {uint32_t key;int32_t next;uint64_t val;} E;
static E e[20000];static int32_t b[8192];static int n;
static E*get(uint32_t k){uint32_t h=(k*2654435769u)>>19;for(int32_t i=b[h];i>=0;i=e[i].next)if(e[i].key==k)return &e[i];e[n].key=k;e[n].val=0;e[n].next=b[h];b[h]=n;return &e[n++];}
long long run(void){n=0;for(int i=0;i<8192;i++)b[i]=-1;uint32_t s=7;for(int i=0;i<100000;i++){s=s*1664525+1013904223;get((s>>12)%15000)->val+=i;}uint64_t t=0;for(int i=0;i<n;i++)t=t*31+e[i].val;return t;}
